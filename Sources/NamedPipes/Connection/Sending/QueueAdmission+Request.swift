// SPDX-License-Identifier: Apache-2.0

extension QueueAdmission {
    /// What has been done for this message already.
    enum Attempt {
        /// Nothing yet.
        case first
        /// The kernel was asked to take what waits.
        case afterFlush
        /// Older messages were displaced for it.
        case afterDisplacing
    }

    /// One message, and the queue as it is now. Sizes are in bytes.
    struct Request {
        var attempt = Attempt.first

        /// The message's frame.
        var byteCount: Int

        var queuedByteCount = 0

        /// The rest of a frame that the kernel has taken in part, which can no longer be displaced.
        var startedByteCount = 0

        /// The memory that the queue keeps.
        var capacity = 0

        /// The kernel took less than it was given, and writability is awaited.
        var isWaiting = false

        /// The ledger knows of the queue's memory.
        var isCharged = false

        /// The budget that has no room for the message. Nil if there is room, or if ``QueueAdmission/needsBudget(_:)``
        /// is false: then no budget may be named.
        var exceededBudget: ExceededBudget?
    }

    /// What is to be done.
    enum Answer: Equatable {
        /// Queue the message; if `isCharged`, charge for the memory first, which the budgets have room for.
        case append(isCharged: Bool)
        /// Ask the kernel to take what waits, then ask again.
        case flushFirst
        /// Displace the oldest messages until this many bytes have gone or none are left, then ask again. If
        /// `compacts`, move the rest together, so that the memory can be used again.
        case displace(byteCount: Int, compacts: Bool)
        /// Drop the message, and count it.
        case drop
        /// Throw the error from `send`.
        case refuse(PipeError)
        /// End the connection for this reason, and throw the error from `send`.
        case end(DisconnectReason, PipeError)
    }
}
