// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

extension PipeConnection {
    /// How connections behave, the same for a server's and a client's. Sizes are in bytes.
    public struct Configuration: Sendable {
        /// How messages become bytes. Both ends have to agree.
        ///
        /// The default is ``LengthPrefixFraming``: a 4-byte big-endian length, messages up to 16 MiB.
        ///
        /// ```swift
        /// configuration.framing = DelimiterFraming.newline
        /// ```
        public var framing: any MessageFraming = LengthPrefixFraming()

        /// When more than this is queued, `send` answers with
        /// ``PipeConnection/SendVerdict/acceptedAboveHighWaterMark``. The default is 1 MiB.
        public var highWaterMark = 1 << 20

        /// When a queue that was above the high-water mark has come down to this, `connectionDidDrain` is called.
        /// The default is 256 KiB.
        public var lowWaterMark = 256 << 10

        /// A message that would make the queue larger than this is refused with ``PipeError/sendQueueFull(limit:)``; an
        /// empty queue takes any message that the framing allows. The default is 32 MiB.
        public var sendQueueLimit = 32 << 20

        /// Whether a connection reads no more while its own queue is above the high-water mark.
        ///
        /// That makes a peer that asks without reading the answers wait, instead of letting the answers pile up. The
        /// default is true for servers and false for clients: if both ends did it, they could wait for each other.
        public var pausesReceivingAboveHighWaterMark = true

        /// How many messages of one connection are delivered before others get their turn. The default is 4,096.
        public var messagesPerTurn = 4096

        /// How long a peer may take to accept what is queued after ``PipeConnection/close()``; then the connection ends
        /// with ``DisconnectReason/slowReader``. The default is 10 s.
        public var closeTimeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }
}
