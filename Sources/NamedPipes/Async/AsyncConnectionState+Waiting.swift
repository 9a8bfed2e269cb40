// SPDX-License-Identifier: Apache-2.0

// What tasks wait for, and who among them runs the handler.

extension AsyncConnectionState {
    /// The calling task runs the connection's handler from now on.
    func handlerDidBegin() { handlerTask = HandlerTask(ticket: nextTicket()) }

    /// The task that runs the handler was cancelled: what it waits for is over.
    func handlerWasCancelled() {
        if let handlerTask { cancelWait(handlerTask.ticket) }
    }

    /// The ticket for a wait of the calling task, if it is the one that runs the handler.
    ///
    /// - Throws: `CancellationError` if it is cancelled.
    @inline(__always)
    func ticketOfHandler() throws -> WaitingTask.Ticket? {
        guard let handlerTask, let isCancelled = handlerTask.isCancelledIfCurrent else { return nil }
        if isCancelled { throw CancellationError() }
        return handlerTask.ticket
    }

    func nextTicket() -> WaitingTask.Ticket {
        lastTicket += 1
        return lastTicket
    }

    /// The event for which a task waits.
    enum Event {
        case message, batch, turn, end
    }

    /// Resumes a task when that event happens. If the task wants a message or a batch, it checks again then, because
    /// another task may have been faster.
    ///
    /// The state that the task has seen may have changed since, because other code may run during any `await`.
    func add(_ task: WaitingTask, for event: Event) {
        connection.endpoint.assertOwner()
        switch event {
        case .message, .batch:
            guard inbox.isEmpty, isNothingLent, !isInputFinished else { return task.goOn() }
            var task = task
            task.wantsBatch = event == .batch
            receivers.add(task)
        case .turn: turns.wait(task)
        case .end:
            if endReason == nil { watchers.add(task) } else { task.goOn() }
        }
    }

    func cancelWait(_ ticket: WaitingTask.Ticket) {
        receivers.cancel(ticket)
        turns.cancel(ticket)
        watchers.cancel(ticket)
    }
}
