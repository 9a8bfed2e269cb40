// SPDX-License-Identifier: Apache-2.0

extension QueueAdmission {
    /// What was already done for this message.
    enum Attempt {
        /// Nothing yet.
        case first
        /// The kernel was asked to take the waiting messages.
        case afterFlush
        /// Older messages were displaced in favour of it.
        case afterDisplacing
    }

    /// One message, and the present state of the queue. Sizes are in bytes.
    struct Request {
        var attempt = Attempt.first

        /// The size of the message's frame.
        var byteCount: Int

        var queuedByteCount = 0

        /// The rest of a frame that was written in part, which can no longer be displaced.
        var startedByteCount = 0

        /// The memory that the queue keeps alive.
        var capacity = 0

        /// The kernel took less than it was given, and the connection waits for writability.
        var isWaiting = false

        /// The queue's memory is charged to the ledger.
        var isCharged = false

        /// The budget that has no room for the message. Nil if there is room; always nil if
        /// ``QueueAdmission/needsBudget(_:)`` is false.
        var exceededBudget: ExceededBudget?

        /// The queue waits without room in a budget, so that nothing is received before it is written.
        var isPausedForRoom = false

        /// The socket has room for all of it. Always false if ``QueueAdmission/dependsOnSocket(_:)`` is.
        var fitsIntoSocket = false
    }

    /// What the connection has to do.
    enum Answer: Equatable {
        /// Queue the message; if `isCharged`, first charge for its memory, for which the budgets have room. If not, and
        /// it is larger than ``QueueAdmission/freeByteCount``, write it at once.
        case append(isCharged: Bool)
        /// Ask the kernel to take the waiting messages, then ask again.
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
