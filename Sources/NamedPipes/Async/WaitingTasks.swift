// SPDX-License-Identifier: Apache-2.0

/// A task that waits until it is resumed.
@safe
struct WaitingTask {
    /// Distinguishes one wait from the others at the same place.
    typealias Ticket = UInt64

    let ticket: Ticket
    private let continuation: UnsafeContinuation<Void, any Error>
    /// Whether it waits for all messages of a read rather than for one.
    var wantsBatch = false

    /// Suspends the calling task.
    ///
    /// - Parameters:
    ///   - ticket: identifies the wait, so that it can be ended early.
    ///   - enqueue: stores the task, to be resumed exactly once.
    @inline(__always)
    nonisolated(nonsending) static func suspend(
        ticket: Ticket = 0, _ enqueue: (WaitingTask) -> Void
    ) async throws {
        // Its successor with an `isolated` parameter looks up the executor before the wait as well as behind it: 270
        // instructions more.
        try await unsafe _unsafeInheritExecutor_withUnsafeThrowingContinuation { continuation in
            enqueue(unsafe WaitingTask(ticket: ticket, continuation: continuation))
        }
    }

    func goOn() { unsafe continuation.resume() }

    func fail(_ error: any Error) { unsafe continuation.resume(throwing: error) }
}

/// Tasks that wait for an event on the reactor's thread, in the order in which they came. A single task takes no memory
/// besides.
struct WaitingTasks: ~Copyable {
    /// Nil only if there are no others.
    private var first: WaitingTask?
    /// Nil until there are any. An object, because three such lists are a part of every connection.
    private var others: Others?

    private final class Others {
        var tasks = Ring<WaitingTask>()
    }

    @inline(__always) var isEmpty: Bool { first == nil }

    var count: Int { first == nil ? 0 : 1 + (others?.tasks.count ?? 0) }

    /// Whether the task that came first waits for a batch.
    @inline(__always) var firstWantsBatch: Bool { first?.wantsBatch ?? false }

    @inline(__always)
    mutating func add(_ task: WaitingTask) {
        if first == nil { first = task } else { addBehindFirst(task) }
    }

    @inline(never)
    private mutating func addBehindFirst(_ task: WaitingTask) {
        let others = others ?? Others()
        self.others = others
        others.tasks.append(task)
    }

    /// Removes the task that came first.
    @inline(__always)
    mutating func removeFirst() -> WaitingTask? {
        guard let task = first else { return nil }
        first = others?.tasks.removeFirst()
        return task
    }

    /// Resumes the task that came first, from the loop.
    mutating func wakeFirst() { removeFirst()?.goOn() }

    mutating func wakeAll() {
        while let task = removeFirst() { task.goOn() }
    }

    /// Ends a wait whose task was cancelled. Has no effect if it is over.
    mutating func cancel(_ ticket: WaitingTask.Ticket) {
        let task = first?.ticket == ticket ? removeFirst() : others?.tasks.removeFirst { $0.ticket == ticket }
        task?.fail(CancellationError())
    }
}
