// SPDX-License-Identifier: Apache-2.0

/// Identifies the task that runs a connection's handler, and holds the ticket of its waits: it has one at a time.
///
/// One cancellation handler serves all of its waits. One for each wait took a fifth of the instructions of a message
/// that came alone.
struct HandlerTask {
    let ticket: WaitingTask.Ticket
    // In place of the task itself, which may not be stored: the address of its object. Its hash would cost 250
    // instructions.
    private let identity = Self.current.identity

    /// The calling task.
    init(ticket: WaitingTask.Ticket) { self.ticket = ticket }

    /// Whether the calling task is cancelled; nil if it is another one.
    var isCancelledIfCurrent: Bool? {
        let current = Self.current
        return current.identity == identity ? current.isCancelled : nil
    }

    private static var current: (identity: UInt, isCancelled: Bool) {
        unsafe withUnsafeCurrentTask { task in
            let task = unsafe task.unsafelyUnwrapped
            return unsafe (unsafeBitCast(task, to: UInt.self), task.isCancelled)
        }
    }
}
