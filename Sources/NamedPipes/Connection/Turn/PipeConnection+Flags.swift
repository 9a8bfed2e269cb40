// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// What a connection is in the middle of, as far as a bit can say it.
    struct Flags: OptionSet {
        let rawValue: UInt32

        /// The owner called ``pauseReceiving()``.
        static let paused = Flags(rawValue: 1)
        /// There may be something to read: epoll has said so, or nobody has looked yet. Only a read knows.
        static let inputReady = Flags(rawValue: 2)
        /// epoll said that the peer has finished: read on until the end.
        static let peerFinishing = Flags(rawValue: 4)
        /// In the turn queue of the reactor.
        static let scheduled = Flags(rawValue: 8)
        /// Inside ``handle(_:)`` or ``runInTurn()``, which settle at their end.
        static let busy = Flags(rawValue: 16)
        /// The queue came down to the low-water mark; the delegate is to hear of it.
        static let drainDue = Flags(rawValue: 32)
        /// There is more to do than one turn allows.
        static let wantsTurn = Flags(rawValue: 64)
        /// The server is stopping: close once what has arrived is delivered.
        static let draining = Flags(rawValue: 128)
        /// epoll watches for something to read.
        static let registered = Flags(rawValue: 256)
        /// The end of the stream was read.
        static let inputEnded = Flags(rawValue: 512)
        /// The queue went above the high-water mark and has not yet come down to the low one.
        static let aboveHighWaterMark = Flags(rawValue: 1024)
        /// No messages are delivered, because the queue is above the high-water mark.
        static let heldBack = Flags(rawValue: 2048)
        /// The kernel took less than it was given.
        static let awaitingWritability = Flags(rawValue: 4096)
        /// The delegate has heard of the end.
        static let reported = Flags(rawValue: 8192)
        /// There is a source that waits for room, or for the last hang-up.
        static let watchingOutput = Flags(rawValue: 16384)
        /// The end is decided, ``DisconnectReason/closedByPeer``. The usual one needs no memory to be noted in: 330
        /// instructions less.
        static let endsByPeer = Flags(rawValue: 32768)
        /// No read is a plain system call: the stream is not ``ByteStream/isDirect``. Here, too, so that the fast path stays
        /// one comparison.
        static let indirect = Flags(rawValue: 65536)
        /// A write has failed for good, and the delegate is to hear of it.
        static let outputFailureDue = Flags(rawValue: 262144)
        /// Nothing is read, because a budget has no room for more.
        static let starved = Flags(rawValue: 524288)
    }
}
