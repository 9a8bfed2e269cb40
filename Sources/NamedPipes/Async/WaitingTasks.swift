// SPDX-License-Identifier: Apache-2.0

/// A task that waits until it is resumed.
@safe
struct WaitingTask {
    /// Distinguishes one wait from the others at the same place.
    typealias Ticket = UInt64

    let ticket: Ticket
    private let continuation: UnsafeContinuation<Void, any Error>

    /// Suspends the calling task.
    ///
    /// - Parameters:
    ///   - ticket: identifies the wait, so that it can be ended early.
    ///   - enqueue: stores the task, to be resumed exactly once.
    nonisolated(nonsending) static func suspend(
        ticket: Ticket = 0, _ enqueue: (WaitingTask) -> Void
    ) async throws {
        try await unsafe withUnsafeThrowingContinuation { continuation in
            enqueue(unsafe WaitingTask(ticket: ticket, continuation: continuation))
        }
    }

    func goOn() { unsafe continuation.resume() }

    func fail(_ error: any Error) { unsafe continuation.resume(throwing: error) }
}

/// Tasks that wait for an event on the reactor's thread, in the order in which they came.
struct WaitingTasks: ~Copyable {
    private var waiting = Ring<WaitingTask>()

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ task: WaitingTask) { waiting.append(task) }

    /// Removes the task that came first.
    mutating func removeFirst() -> WaitingTask? { waiting.removeFirst() }

    /// Resumes the task that came first, from the loop.
    mutating func wakeFirst() {
        if !waiting.isEmpty { waiting.removeFirst()?.goOn() }
    }

    mutating func wakeAll() {
        while let task = waiting.removeFirst() { task.goOn() }
    }

    /// Ends a wait whose task was cancelled. Has no effect if it is over.
    mutating func cancel(_ ticket: WaitingTask.Ticket) {
        waiting.removeFirst { $0.ticket == ticket }?.fail(CancellationError())
    }
}
