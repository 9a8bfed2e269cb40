// SPDX-License-Identifier: Apache-2.0

/// Identifies the task that runs a connection's handler, and holds the ticket of its waits: it has one at a time.
///
/// One cancellation handler serves all of its waits. One for each wait took a fifth of the instructions of a message
/// that came alone.
struct HandlerTask {
    let ticket: WaitingTask.Ticket
    // In place of the task itself, which may not be stored.
    private let hash = Self.currentHash

    /// The calling task.
    init(ticket: WaitingTask.Ticket) { self.ticket = ticket }

    /// Whether the caller is that task.
    var isCurrent: Bool { Self.currentHash == hash }

    private static var currentHash: Int { unsafe withUnsafeCurrentTask { unsafe $0.unsafelyUnwrapped.hashValue } }
}
