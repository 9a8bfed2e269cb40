// SPDX-License-Identifier: Apache-2.0
public import PipeFraming

extension PipeConnection {
    /// The behaviour of the connections of a server or client. Sizes are in bytes.
    public struct Configuration: Sendable {
        /// The framing, which turns messages into bytes. Both ends have to use the same one.
        ///
        /// The default is ``LengthPrefixFraming``: a 4-byte big-endian length, messages up to 16 MiB.
        ///
        /// ```swift
        /// configuration.framing = DelimiterFraming.newline
        /// ```
        public var framing: any MessageFraming = LengthPrefixFraming()

        /// Whether file descriptors are accepted with messages. The default is ``DescriptorPolicy/refused``.
        ///
        /// ```swift
        /// configuration.framing = DescriptorFraming()
        /// configuration.descriptors = .accepted(perMessage: 1)
        /// ```
        public var descriptors = DescriptorPolicy.refused

        /// The size of the send queue above which `send` returns
        /// ``PipeConnection/SendVerdict/acceptedAboveHighWaterMark``. The default is 1 MiB.
        public var highWaterMark = 1 << 20

        /// The size to which a queue that was above the high-water mark has to come down before `connectionDidDrain` is
        /// called. The default is 256 KiB.
        public var lowWaterMark = 256 << 10

        /// The limit of the send queue. A message that would make the queue larger is refused with
        /// ``PipeError/sendQueueFull(limit:)``, or treated as ``slowReaderPolicy`` says. An empty queue takes any
        /// message that the framing allows. The envelopes that a framing adds count, too. The default is 32 MiB.
        public var sendQueueLimit = 32 << 20

        /// The rule for a message that finds no room in the queue. The default is ``SlowReaderPolicy/refuse``.
        ///
        /// ```swift
        /// configuration.slowReaderPolicy = .keepLatest        // for positions: only the latest one counts
        /// ```
        public var slowReaderPolicy = SlowReaderPolicy.refuse

        /// The number of bytes that a connection may hold: received, and not yet delivered. A connection that needs
        /// more ends with ``DisconnectReason/budgetExceeded(_:)``. The default is nil: the largest message of the
        /// framing plus 2 MiB, which is exceeded only by a framing that never completes a message.
        public var heldByteLimit: Int?

        /// The size of the kernel's send buffer: of the bytes that the kernel has taken and the peer has not yet read
        /// (`SO_SNDBUF`, socket(7)). The default is nil: the kernel's own size, 208 KiB unless `net.core.wmem_default`
        /// was changed.
        ///
        /// The kernel silently limits the number to `net.core.wmem_max`, and then doubles it for its own bookkeeping.
        /// With a larger buffer, a large message leaves in fewer turns: with 1 MiB at both ends, messages of 4 MiB were
        /// 1.2 to 1.5 times as fast. Smaller messages become slower, because more memory is in use at a time than the
        /// caches hold: at 64 KiB by 15 %. Change the size only if most messages are larger than 1 MiB.
        ///
        /// There is no option for the receive buffer, because the kernel has none for these sockets (unix(7)): the size
        /// of the *peer's* send buffer limits the bytes that are on their way from the peer.
        public var sendBufferByteCount: Int?

        /// Whether a connection stops reading while its own queue is above the high-water mark.
        ///
        /// A peer that sends requests without reading the replies has to wait then, instead of making the replies
        /// accumulate. The default is true for servers and false for clients: if both ends paused, they could wait for
        /// each other.
        public var pausesReceivingAboveHighWaterMark = true

        /// The number of messages of one connection that are delivered before other connections get their turn. The
        /// default is 4,096.
        public var messagesPerTurn = 4096

        /// The number of unread bytes of messages, not yet received by a task, at which an async connection pauses
        /// reading, until half of them are received; see ``AsyncPipeConnection/messages``. It has no effect on
        /// delegates. The default is 256 KiB.
        public var unreadByteLimit = 256 << 10

        /// How long a peer may take to read the queue after ``PipeConnection/close()``; then the connection ends with
        /// ``DisconnectReason/slowReader``. A connection that closes for another reason has the same time, and keeps
        /// its reason. The default is 10 s.
        public var closeTimeout: Duration = .seconds(10)

        /// How long a frame may take from its first byte to its last, while messages are received; then the connection
        /// ends with ``DisconnectReason/frameTimeout``. Single bytes, sent now and then, do not extend this time. The
        /// default is 30 s; nil means no limit.
        ///
        /// This deadline and the three limits below use a monotonic clock that stands still while the system sleeps.
        /// One timer checks them for all connections: never early, and late by a quarter of the shortest of them at
        /// most, or by 2 s if that is less.
        public var frameDeadline: Duration? = .seconds(30)

        /// How long the kernel may take nothing from the queue, because the peer does not read; then the connection
        /// ends with ``DisconnectReason/writeStalled``. The default is 30 s; nil means no limit.
        ///
        /// A peer that has shut its reading down never reads again, and the messages that were queued for it are lost.
        /// It may still send. If it sends nothing for this time either, the connection ends with
        /// ``DisconnectReason/outputFailed``. A client that is to reconnect therefore needs this deadline.
        ///
        /// The kernel takes more when the peer has read three quarters of the send buffer. With the kernel's own size,
        /// a peer that reads 5 KiB a second keeps up.
        public var writeStallDeadline: Duration? = .seconds(30)

        /// How long a connection may stay open without a byte in either direction; then it ends with
        /// ``DisconnectReason/idle``. The default is nil: no limit.
        public var idleLimit: Duration?

        /// How long a connection may stay open, whatever happens on it; then its queue is sent, and it ends with
        /// ``DisconnectReason/ageLimit``. The default is nil: no limit.
        public var ageLimit: Duration?

        /// Whether each connection counts what it carries; see ``PipeConnection/statistics``. The default is false.
        ///
        /// A connection that counts takes the slow path at each event: about twice the library's instructions for a
        /// burst of small messages, and 300 bytes more memory. The other connections pay nothing.
        public var keepsStatistics = false

        /// Behaves as on a kernel without `SO_PASSRIGHTS`, for tests.
        package var lacksPassRights = false

        /// A configuration with the defaults.
        public init() {}
    }
}
