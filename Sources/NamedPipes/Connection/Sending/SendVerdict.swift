// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// What became of a message that was not refused.
    @nonexhaustive
    public enum SendVerdict: Hashable, Sendable {
        /// Sent or queued, and there is room for more.
        case accepted
        /// Queued, and the queue is now above ``Configuration/highWaterMark``: best stop until `connectionDidDrain`.
        case acceptedAboveHighWaterMark
        /// Queued, in the place of so many messages that had waited: ``SlowReaderPolicy/dropOldest`` or
        /// ``SlowReaderPolicy/keepLatest``.
        case acceptedByDropping(messageCount: Int)
        /// Not queued, and not an error either: there was no room, and the policy is ``SlowReaderPolicy/dropNewest``, or
        /// the message is too large to take the place of others.
        case dropped
    }
}
