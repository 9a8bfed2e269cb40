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
        if readiness.isOnlyReadable, state == .idle, queue == nil, reassembly == nil, lifecycle.isUsual {
            return serve()
        }
        if readiness.has(.writable) {
            interest.outputIsWritable()
        } else {
            interest.inputDidArrive(finishing: readiness.has(.peerFinished))
            // What is left of this turn's budget comes at its end; more of it would be at the others' expense.
            if turn.isScheduled { return }
        }
        turn.begin()
        work()
    }

    package func runInTurn() {
        turn.comeUp()
        turn.begin()
        work()
    }

    /// What ``work()`` comes to where nothing unusual is going on or happens meanwhile: one read, its messages, one
    /// write. At 1,000 connections with a message each, 330 instructions instead of 560.
    @inline(__always)
    private func serve() {
        state = .serving
        _ = borrowQueue()
        var budget = endpoint.limits.messagesPerTurn
        readDirectly(&budget)
        if let queue {
            if queue.value.isEmpty { recycleQueue() } else if lifecycle.canWrite { writeDirectly(queue) }
        }
        if state == .serving, queue == nil, budget > 0, lifecycle.isUsual {
            state = .idle
        } else {
            if budget <= 0 { turn.want() }
            finishWork()
        }
    }

    /// The whole of a turn that has begun, whatever the connection is in the middle of.
    func work() {
        turn.beginWork()
        receive()
        finishWork()
    }

    private func finishWork() {
        settle()
        // The next read, of whatever connection, overwrites what lies in the receive space.
        adoptBorrowed()
        if lifecycle.state == .closed { report() }
        watchInput()
        turn.end()
        if lifecycle.state != .closed, turn.takeWish() { schedule() }
    }

    /// Has ``work()`` done at the end of this turn. Inside it, that is only needed where ``settle()`` is not enough;
    /// and after the end, whatever is called, there is nothing to do. A reactor that is let go without having turned
    /// again would keep itself alive with it.
    func schedule() {
        guard !lifecycle.isReported, turn.schedule() else { return }
        endpoint.reactor.runAtEndOfTurn(self)
    }

    /// Carries out what the callbacks and calls before have led to: write once, tell of the drain or of a failed write,
    /// end.
    private func settle() {
        flush()
        if flow.takeDrain() {
            if lifecycle.canSend { endpoint.delegate?.connectionDidDrain(self) }
            flush()
        }
        tellOfOutputFailure()
        finishOutput()
        if lifecycle.state == .closed { report() }
    }
}

extension Readiness {
    // Said here, because it is not put in line from another module.
    fileprivate var isOnlyReadable: Bool { rawValue == 0x02 }
}
