// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

// What the loop calls, and the order of work within one call.

extension PipeConnection: TurnWork, EventHandler {
    /// Without a retain: until the end of the turn in which it reported its end, the reactor holds the connection.
    package static func deliver(_ readiness: Readiness, to handler: UnsafeRawPointer) {
        unsafe Unmanaged<PipeConnection>.fromOpaque(handler)._withUnsafeGuaranteedRef { $0.handle(readiness) }
    }

    package static var callbackName: StaticString { "connection" }

    package func handle(_ readiness: Readiness) {
        noteActivity()
        // By far the most events: something to read, for a connection that is in the middle of nothing.
        if readiness.isOnlyReadable, flags == .registered, queue == nil, reassembly == nil, lifecycle.isUsual {
            return serve()
        }
        if readiness.has(.writable) {
            flags.remove(.awaitingWritability)
        } else {
            flags.insert(readiness.has(.peerFinished) ? [.inputReady, .peerFinishing] : .inputReady)
            // What is left of this turn's budget comes at its end; more of it would be at the others' expense.
            if flags.contains(.scheduled) { return }
        }
        work()
    }

    package func runInTurn() {
        flags.remove(.scheduled)
        work()
    }

    /// What ``work()`` comes to where nothing unusual is going on or happens meanwhile: one read, its messages, one
    /// write. At 1,000 connections with a message each, 330 instructions instead of 560.
    @inline(__always)
    private func serve() {
        flags = [.registered, .busy]
        _ = takeQueue()
        var budget = endpoint.messagesPerTurn
        readPlainly(&budget)
        if let queue {
            if queue.value.isEmpty { giveBackQueue() } else if lifecycle.canWrite { write(queue) }
        }
        if flags == [.registered, .busy], queue == nil, budget > 0, lifecycle.isUsual {
            flags = .registered
        } else {
            if budget <= 0 { flags.insert(.wantsTurn) }
            finishWork()
        }
    }

    func work() {
        flags.insert(.busy)
        flags.remove(.wantsTurn)
        receive()
        finishWork()
    }

    private func finishWork() {
        settle()
        // The next read, of whatever connection, overwrites what lies in the receive space.
        adoptBorrowed()
        if lifecycle.state == .closed { report() }
        watchInput()
        flags.remove(.busy)
        guard flags.contains(.wantsTurn), lifecycle.state != .closed else { return }
        flags.remove(.wantsTurn)
        schedule()
    }

    /// Has ``work()`` done at the end of this turn. Inside it, that is only needed where ``settle()`` is not enough; and
    /// after the end, whatever is called, there is nothing to do. A reactor that is let go without having turned again would
    /// keep itself alive with it.
    func schedule() {
        guard flags.isDisjoint(with: [.scheduled, .busy, .reported]) else { return }
        flags.insert(.scheduled)
        endpoint.reactor.runAtEndOfTurn(self)
    }

    /// Carries out what the callbacks and calls before have led to: write once, tell of the drain or of a failed write, end.
    private func settle() {
        flush()
        if flags.contains(.drainDue) {
            flags.remove(.drainDue)
            if lifecycle.canSend { endpoint.delegate?.connectionDidDrain(self) }
            flush()
        }
        if flags.contains(.outputFailureDue) { tellOfOutputFailure() }
        finishOutput()
        if lifecycle.state == .closed { report() }
    }
}

extension Readiness {
    // Said here, because it is not put in line from another module.
    fileprivate var isOnlyReadable: Bool { rawValue == 0x02 }
}
