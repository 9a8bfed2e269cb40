// SPDX-License-Identifier: Apache-2.0

/// A task that waits until it is told to go on.
@safe
struct WaitingTask {
    /// Tells one wait from the others at the same place.
    typealias Ticket = UInt64

    let ticket: Ticket
    private let continuation: UnsafeContinuation<Void, any Error>

    /// Suspends the calling task.
    ///
    /// - Parameters:
    ///   - ticket: identifies the wait, so that it can be ended early.
    ///   - enqueue: stores it, to be resumed exactly once.
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

/// Tasks that wait for something that happens on the reactor's thread, in the order in which they came.
struct WaitingTasks: ~Copyable {
    private var waiting = Ring<WaitingTask>()

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ task: WaitingTask) { waiting.append(task) }

    /// Takes out the one that came first.
    mutating func removeFirst() -> WaitingTask? { waiting.removeFirst() }

    /// Lets the one that came first go on, from the loop.
    mutating func wakeFirst() {
        if !waiting.isEmpty { waiting.removeFirst()?.goOn() }
    }

    mutating func wakeAll() {
        while let task = waiting.removeFirst() { task.goOn() }
    }

    /// Ends a wait whose task was cancelled. Without effect if it is over.
    mutating func cancel(_ ticket: WaitingTask.Ticket) {
        waiting.removeFirst { $0.ticket == ticket }?.fail(CancellationError())
    }
}
