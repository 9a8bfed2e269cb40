// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// From the decision that a connection ends to its one `didCloseWith`.

extension PipeConnection {
    /// What is known of the end, from the moment it is decided.
    final class Ending {
        let reason: DisconnectReason
        var unsentMessageCount = 0
        var hasPartlySentMessage = false

        init(_ reason: DisconnectReason) { self.reason = reason }
    }

    /// Ends the connection once the queue is empty.
    func beginClose(_ reason: DisconnectReason) {
        switch lifecycle.close() {
        case .nothing, .shutDownOutput: return
        case .flush: ending = Ending(reason)
        case .close: end(reason)
        }
        schedule()
    }

    /// Delivers what has arrived, then ends as ``beginClose(_:)`` does.
    func drain() {
        flags.insert([.draining, .inputReady, .wantsTurn])
        schedule()
    }

    /// What was put off until the queue is empty.
    func finishOutput() {
        if pendingByteCount == 0 {
            switch lifecycle.didDrain() {
            case .close: end(ending?.reason ?? .closedLocally)
            case .shutDownOutput: Socket.finishSending(descriptor)
            case .nothing, .flush: break
            }
        } else if lifecycle.state == .closing, closeTimer == nil {
            closeTimer = host.reactor.schedule(after: host.configuration.closeTimeout) { [unowned self] in
                end(.slowReader)
            }
        }
    }

    /// A write failed: the output is over, the input may not be.
    func outputDidFail(_ error: SystemError) {
        guard Socket.isPeersDoing(error) else { return end(.system(error)) }
        if lifecycle.outputDidFail() == .close { return end(ending?.reason ?? .closedByPeer) }
        // Nothing is to be written any more, and nothing has to wait for that.
        writeSource = nil
        flags.remove([.aboveHighWaterMark, .heldBack])
        flags.insert(.wantsTurn)
        schedule()
    }

    /// Closes the descriptor now; memory that somebody may be looking at stays until the report.
    func end(_ reason: DisconnectReason) {
        guard lifecycle.end() else { return }
        let final = Ending(reason)
        if let queue {
            queue.value.adoptBorrowed(host.buffers)
            final.unsentMessageCount = queue.value.unsentMessageCount(host.framing)
            final.hasPartlySentMessage = queue.value.startedByteCount > 0
        }
        ending = final
        closeTimer?.cancel()
        writeSource = nil
        source = nil
        schedule()
    }

    /// Tells the delegate, once, and then the owner, and lets go of everything.
    func report() {
        guard !flags.contains(.reported), let ending else { return }
        flags.insert(.reported)
        closeTimer = nil
        host.owner?.connectionWillReport(self, ending.reason, unsent: queue)
        giveBackMemory()
        host.delegate?.connection(self, didCloseWith: ending.reason)
        context = nil
        // Some caller of this may be a method of a connection that nobody else holds any more.
        host.reactor.runAtEndOfTurn(self)
        host.reactor.residents.remove(key)
        host.owner?.connectionDidEnd(self, ending.reason)
    }

    private func giveBackMemory() {
        if let queue { host.buffers.giveBack(queue) }
        if let partial { host.buffers.giveBack(partial) }
        queue = nil
        partial = nil
    }
}
