// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// The end of the input, in its three ways: the peer finishes, the server shuts down, the peer disappears altogether.

extension PipeConnection {
    /// The end of the stream was read: cut off in the middle of a frame, or clean.
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

    /// All messages that had arrived when the server was told to stop have been delivered. An owner that answers later
    /// is told so, and closes the connection when it is done.
    func inputIsDrained() {
        guard endpoint.leavesClosingToOwner else { return beginClose(.serverStopped) }
        lifecycle.leaveClosingToOwner()
        flow.pause()
        // The peer has not finished, and may be heard again: its finish is still to come, and is told once.
        AsyncConnectionState.of(self).finishInput(.stopped)
    }

    /// After the end of the stream, the only news can be that the peer is gone altogether.
    func receiveAfterEnd() {
        if lifecycle.isShuttingDown, !endpoint.leavesClosingToOwner { return beginClose(.serverStopped) }
        do {
            switch try stream.hangUp() {
            case nil: return
            case .clean: end(.closedByPeer)
            case .reset: end(.resetByPeer)
            }
        } catch {
            // This news comes once: to miss it would mean to wait forever.
            end(.system(error))
        }
    }

    /// Whether the peer has gone altogether, asked of the kernel (poll(2)): also where the connection itself
    /// cannot know yet, because it does not read until its owner has dealt with what has come. False where the kernel
    /// has no answer now.
    package var hasLostPeer: Bool {
        do {
            return try lifecycle.state == .closed || stream.hangUp() != nil
        } catch {
            return false
        }
    }
}
