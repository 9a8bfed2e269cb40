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

        /// A message that would make the queue larger than this is refused with ``PipeError/sendQueueFull(limit:)``, or
        /// what ``slowReaderPolicy`` says; an empty queue takes any message that the framing allows. What a framing
        /// puts around a message counts, too. The default is 32 MiB.
        public var sendQueueLimit = 32 << 20

        /// What becomes of a message for which the queue has no room. The default is ``SlowReaderPolicy/refuse``.
        ///
        /// ```swift
        /// configuration.slowReaderPolicy = .keepLatest        // a position, a progress: only the present one counts
        /// ```
        public var slowReaderPolicy = SlowReaderPolicy.refuse

        /// How many bytes a connection may hold of messages that are not complete or not delivered yet; one that needs
        /// more ends with ``DisconnectReason/budgetExceeded(_:)``. The default is nil: the framing's largest message
        /// and 2 MiB, so that only a framing that never comes to an end meets it.
        public var heldByteLimit: Int?

        /// The size of the kernel's send buffer: how much may be on its way, taken by the kernel and not yet read by
        /// the peer (`SO_SNDBUF`, socket(7)). The default is nil: the kernel's own, 208 KiB unless
        /// `net.core.wmem_default` was changed.
        ///
        /// The kernel doubles the number, for its own bookkeeping, after cutting it at `net.core.wmem_max` without a
        /// word. A larger buffer lets a large message leave in fewer turns: with 1 MiB at both ends, messages of 4 MiB
        /// went 1.2 to 1.5 times as fast. Smaller messages lose, because more memory is in use at a time than the
        /// caches hold: at 64 KiB it cost 15 %. So leave it unless most messages are larger than 1 MiB.
        ///
        /// There is no option for the receive buffer, because the kernel has none for these sockets (unix(7)): what the
        /// peer may have on its way is the size of *its* send buffer.
        public var sendBufferByteCount: Int?

        /// Whether a connection reads no more while its own queue is above the high-water mark.
        ///
        /// That makes a peer that asks without reading the answers wait, instead of letting the answers pile up. The
        /// default is true for servers and false for clients: if both ends did it, they could wait for each other.
        public var pausesReceivingAboveHighWaterMark = true

        /// How many messages of one connection are delivered before others get their turn. The default is 4,096.
        public var messagesPerTurn = 4096

        /// Up to how many bytes of messages wait for a task to take them before reading pauses, until half of them are
        /// taken; see ``AsyncPipeConnection/messages``. Delegates have nothing to do with it. The default is 256 KiB.
        public var unreadByteLimit = 256 << 10

        /// How long a peer may take to accept what is queued after ``PipeConnection/close()``; then the connection ends
        /// with ``DisconnectReason/slowReader``. It is given as long where the connection ends by itself, which keeps
        /// its reason. The default is 10 s.
        public var closeTimeout: Duration = .seconds(10)

        /// How long a frame may take from its first byte to its last, while messages are received; then the connection
        /// ends with ``DisconnectReason/frameTimeout``. A peer that sends a byte now and then does not get around it.
        /// The default is 30 s; nil means for ever.
        ///
        /// This and the three limits that follow are on a monotonic clock that stands still while the system sleeps.
        /// They are looked after by one timer for all connections: never early, and late by a quarter of the shortest
        /// of them at most, or by 2 s if that is less.
        public var frameDeadline: Duration? = .seconds(30)

        /// How long the kernel may take nothing of what is queued, because the peer does not read; then the connection
        /// ends with ``DisconnectReason/writeStalled``. The default is 30 s; nil means for ever.
        ///
        /// A peer that has shut its reading down takes nothing ever again, and what was queued for it is gone. It may
        /// still send; if it sends nothing for this long either, the connection ends with
        /// ``DisconnectReason/outputFailed``. A client that is to reconnect therefore needs a deadline here.
        ///
        /// The kernel takes more once the peer has read three quarters of what the send buffer holds: with the kernel's
        /// own size, who reads 5 KiB a second keeps up.
        public var writeStallDeadline: Duration? = .seconds(30)

        /// How long a connection may stay without a byte in or out; then it ends with ``DisconnectReason/idle``. The
        /// default is nil: for ever.
        public var idleLimit: Duration?

        /// How long a connection may stay open, whatever happens on it; then what is queued is sent and it ends with
        /// ``DisconnectReason/ageLimit``. The default is nil: for ever.
        public var ageLimit: Duration?

        /// Behaves as on a kernel without `SO_PASSRIGHTS`, for tests.
        package var lacksPassRights = false

        /// The defaults.
        public init() {}
    }
}
