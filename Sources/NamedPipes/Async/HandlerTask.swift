// SPDX-License-Identifier: Apache-2.0

/// Identifies the task that runs a connection's handler, and holds the ticket of its waits: it has one at a time.
///
/// One cancellation handler serves all of its waits. One for each wait took a fifth of the instructions of a message
/// that came alone.
struct HandlerTask {
    let ticket: WaitingTask.Ticket
    // In place of the task itself, which may not be stored. Its hash would cost 250 instructions.
    private let identity = Self.currentIdentity

    /// The calling task.
    init(ticket: WaitingTask.Ticket) { self.ticket = ticket }

    /// Whether the caller is that task.
    var isCurrent: Bool { Self.currentIdentity == identity }

    /// The address of the task's object.
    private static var currentIdentity: UInt {
        unsafe withUnsafeCurrentTask { task in unsafe unsafeBitCast(task.unsafelyUnwrapped, to: UInt.self) }
    }
}
