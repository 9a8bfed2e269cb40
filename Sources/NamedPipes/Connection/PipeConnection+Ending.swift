// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// From the decision that a connection ends to its one `didCloseWith`.

extension PipeConnection {
    /// Ends the connection once the queue is empty.
    func beginClose(_ reason: DisconnectReason) {
        switch lifecycle.close() {
        case .nothing, .shutDownOutput: return
        case .flush:
            decide(reason)
            leaveAllGroups()
        case .close:
            end(reason)
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
            case .close: end(decidedReason ?? .closedLocally)
            case .shutDownOutput: shutDownOutput()
            case .nothing, .flush: break
            }
        } else if lifecycle.state == .closing, extrasInUse?.closeTimer == nil {
            extras.closeTimer = host.reactor.limit(host.configuration.closeTimeout) { [unowned self] in
                end(.slowReader)
            }
        }
    }

    private func shutDownOutput() {
        if let transport { transport.finishSending() } else { Socket.finishSending(descriptor) }
    }

    /// A write failed: the output is over, the input may not be.
    func outputDidFail(_ error: SystemError) {
        guard Socket.isPeersDoing(error) else { return end(.system(error)) }
        if lifecycle.outputDidFail() == .close { return end(decidedReason ?? .closedByPeer) }
        leaveAllGroups()
        // Nothing is to be written any more, and nothing has to wait for that.
        extras.writeSource = nil
        flags.remove([.watchingOutput, .aboveHighWaterMark, .heldBack])
        flags.insert(.wantsTurn)
        schedule()
    }

    /// Closes the descriptor now; memory that somebody may be looking at stays until the report.
    func end(_ reason: DisconnectReason) {
        guard lifecycle.end() else { return }
        decide(reason)
        leaveAllGroups()
        if let queue {
            queue.value.adoptBorrowed(host.buffers)
            if !queue.value.isEmpty { noteUnsent(queue, reason) }
        }
        if let extras = extrasInUse {
            extras.closeTimer?.cancel()
            extras.closeTimer = nil
            extras.writeSource = nil
            extras.transport?.close()
            extras.transport = nil
        }
        source = nil
        schedule()
    }

    /// Notes why it ends. A later reason takes the place of an earlier one.
    private func decide(_ reason: DisconnectReason) {
        if case .closedByPeer = reason {
            flags.insert(.endsByPeer)
        } else {
            flags.remove(.endsByPeer)
            extras.ending = ConnectionExtras.Ending(reason: reason)
        }
    }

    private func noteUnsent(_ queue: SendQueueSlot, _ reason: DisconnectReason) {
        var final = ConnectionExtras.Ending(reason: reason)
        final.unsentMessageCount = queue.value.unsentMessageCount(host.framing)
        final.hasPartlySentMessage = queue.value.startedByteCount > 0
        extras.ending = final
        host.traffic.unsentMessageCount &+=
            final.unsentMessageCount + (final.hasPartlySentMessage ? 1 : 0)
    }

    /// Tells the delegate, once, and then the owner, and lets go of everything.
    func report() {
        guard !flags.contains(.reported), let reason = decidedReason else { return }
        flags.insert(.reported)
        unsafe host.owner?.connectionWillReport(self, reason, unsent: queue)
        giveBackMemory()
        host.delegate?.connection(self, didCloseWith: reason)
        companion.end()
        host.reactor.residents.remove(key)
        unsafe host.owner?.connectionDidEnd(self, reason)
    }

    private func giveBackMemory() {
        if let queue { host.buffers.giveBack(queue) }
        if let partial { host.buffers.giveBack(partial) }
        queue = nil
        partial = nil
    }
}
