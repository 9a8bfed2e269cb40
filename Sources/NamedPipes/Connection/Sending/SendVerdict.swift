// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// What became of a message that was not refused.
    @nonexhaustive
    public enum SendVerdict: Hashable, Sendable {
        /// Sent or queued, and there is room for more.
        case accepted
        /// Queued, and the queue is now above ``Configuration/highWaterMark``: it is best to send no more until
        /// `connectionDidDrain`.
        case acceptedAboveHighWaterMark
        /// Queued, and this many waiting messages were displaced in favour of it: ``SlowReaderPolicy/dropOldest`` or
        /// ``SlowReaderPolicy/keepLatest``.
        case acceptedByDisplacing(messageCount: Int)
        /// Not queued, which is not an error: there was no room, and the policy is ``SlowReaderPolicy/dropNewest``, or
        /// the message is too large for others to make room for it.
        case dropped
    }
}
