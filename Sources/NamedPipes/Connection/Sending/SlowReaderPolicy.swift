// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// The rule for a message that finds no room in a connection's queue, because the peer reads too slowly.
    ///
    /// There is no room if the message would make the queue larger than ``Configuration/sendQueueLimit``, or if a
    /// budget of the server is exhausted, even after the kernel was asked to take the waiting messages.
    ///
    /// Only whole messages of which not one byte was written are ever dropped, and each one is counted:
    /// ``SendVerdict/acceptedByDisplacing(messageCount:)``, ``SendVerdict/dropped``,
    /// ``PipeConnection/displacedMessageCount``, ``PipeConnection/droppedMessageCount``.
    ///
    /// With a framing that keeps no boundaries (a `BoundaryFreeFraming`, such as `RawFraming`), there are no whole
    /// messages in a queue: ``dropOldest`` and ``keepLatest`` act as ``refuse`` then, so `send` throws
    /// ``PipeError/sendQueueFull(limit:)``.
    ///
    /// The policy is about peers that read too slowly. Messages that a client keeps while it has no connection
    /// (``PipeClient/UnsentMessages``) have a limit of the same size, but are never dropped for it: `send` refuses the
    /// new one with ``PipeError/sendQueueFull(limit:)``, whatever the policy.
    @nonexhaustive
    public enum SlowReaderPolicy: Hashable, Sendable {
        /// `send` throws ``PipeError/sendQueueFull(limit:)`` or ``PipeError/budgetExceeded(_:)``: the caller decides
        /// what to do.
        case refuse

        /// As ``refuse``, and the connection ends at once with ``DisconnectReason/slowReader``: a peer that has missed
        /// a message must not continue as if it had received all of them.
        case disconnect

        /// The messages that have waited longest make room. For streams in which the latest messages matter most.
        case dropOldest

        /// The new message is dropped. For streams in which the first messages matter most.
        case dropNewest

        /// As soon as the kernel takes no more, only the latest message waits: each new one displaces it. For states,
        /// such as a position, of which only the present one is useful.
        case keepLatest
    }
}
