// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// The three ends of the input: the peer finishes sending, the server shuts down, or the peer is gone altogether.

extension PipeConnection {
    /// The end of the stream was read: a clean end, or one in the middle of a frame.
    func inputDidEnd() {
        interest.inputDidEnd()
        if let reassembly {
            beginClose(.truncatedByPeer(missingByteCount: reassembly.missingByteCount))
            return lifecycle.inputDidEndWhileClosing()
        }
        lifecycle.peerDidFinish()
        endpoint.delegate?.connectionDidFinishReceiving(self)
        if lifecycle.state == .finished { watchForHangUp() }
    }

    /// All messages that had arrived when the server was told to stop are delivered. An owner that closes its
    /// connections itself is told, and closes this one when it has answered.
    func everythingIsRead() {
        guard endpoint.leavesClosingToOwner else { return beginClose(.serverStopped) }
        lifecycle.leaveClosingToOwner()
        flow.pause()
        // The peer has not finished sending, and receiving may resume. The end of its stream is still to come, and is
        // reported once.
        AsyncConnectionState.of(self).finishInput(.stopped)
    }

    /// After the end of the stream, only one event can follow: the peer is gone altogether.
    func receiveAfterEnd() {
        if lifecycle.isShuttingDown, !endpoint.leavesClosingToOwner { return beginClose(.serverStopped) }
        do {
            switch try stream.hangUp() {
            case nil: return
            case .clean: end(stream.failure ?? .closedByPeer)
            case .reset: end(stream.failure ?? .resetByPeer)
            }
        } catch {
            // This event comes only once: a connection that missed it would wait forever.
            end(.system(error))
        }
    }

    /// Whether the peer is gone altogether, by a call to the kernel (`poll(2)`). The connection may not know it yet,
    /// because it reads nothing before its owner has handled earlier messages. False if the kernel has no answer now.
    package var hasLostPeer: Bool {
        do {
            return try lifecycle.state == .closed || stream.hangUp() != nil
        } catch {
            return false
        }
    }
}
