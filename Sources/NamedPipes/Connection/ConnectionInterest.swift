// SPDX-License-Identifier: Apache-2.0

/// What epoll watches for a connection, and what it has said: a value, so that it can be tested without a socket.
/// ``PipeConnection`` owns the sources and registers them as this says.
///
/// Input is watched exactly while it is wanted. `inputReady` is a hint: only a read knows.
///
/// ```
///                 inputDidArrive, expectInput
///     nothing ─────────────────────────────────▶ input ready
///        ▲                                            │
///        └──────── inputIsRead, inputDidEnd ──────────┘
/// ```
///
/// Output is watched while the kernel takes no more, and after the end of the input, where the last news is that the
/// peer is gone altogether:
///
/// ```
///             outputDidBlock              watchOutput
///     quiet ─────────────────▶ blocked ─────────────────▶ blocked and watched ◀──┐
///       ▲                                                       │                │ outputDidBlock
///       │                                      outputIsWritable │                │
///       │                                                       ▼                │
///       └────────────── queueIsEmpty, outputDidFail ───────── watched ───────────┘
/// ```
///
/// The queue can also become empty while the output is blocked, and ``watchForHangUp()`` watches from any of them.
struct ConnectionInterest: StateByte {
    private(set) var byte: UInt8

    init(byte: UInt8 = 0) { self.byte = byte }

    // epoll watches for something to read.
    private static let input: UInt8 = 1
    // There is a source that waits for room, or for the last hang-up.
    private static let output: UInt8 = 2
    // The kernel took less than it was given.
    private static let blocked: UInt8 = 4
    // There may be something to read: epoll has said so, or no read has been tried yet.
    private static let ready: UInt8 = 8
    // epoll said that the peer has finished: read on until the end.
    private static let finishing: UInt8 = 16

    /// Input is watched, and there is no news.
    static var onlyInput: ConnectionInterest { ConnectionInterest(byte: input) }

    var watchesInput: Bool { byte & Self.input != 0 }
    var watchesOutput: Bool { byte & Self.output != 0 }

    /// Whether nothing is written until epoll says that the kernel takes more.
    var awaitsWritability: Bool { byte & Self.blocked != 0 }

    /// Whether a read may find something.
    var isInputReady: Bool { byte & Self.ready != 0 }

    /// Whether the end of the stream is behind what there is to read.
    var isPeerFinishing: Bool { byte & Self.finishing != 0 }

    // MARK: Input

    /// epoll watches for something to read from now on.
    mutating func watchInput() {
        precondition(!watchesInput, "a source is registered once")
        byte |= Self.input
    }

    /// epoll no longer watches for something to read. What it has said stands.
    mutating func ignoreInput() {
        precondition(watchesInput, "a source that is not registered is not unregistered")
        byte &= ~Self.input
    }

    /// epoll said that there is something to read, and perhaps that it ends.
    mutating func inputDidArrive(finishing: Bool) { byte |= finishing ? Self.ready | Self.finishing : Self.ready }

    /// There may be something that epoll has not told of.
    mutating func expectInput() { byte |= Self.ready }

    /// A read took all, or as much as a turn allows: epoll says so if there is more.
    mutating func inputIsRead() { byte &= ~Self.ready }

    /// The end of the stream was read.
    mutating func inputDidEnd() { byte &= ~(Self.ready | Self.finishing) }

    /// Only one thing is still to come: the news that the peer is gone altogether, at the output.
    mutating func watchForHangUp() { byte = byte & ~Self.input | Self.output }

    // MARK: Output

    /// The kernel took less than it was given. ``watchOutput()`` follows, unless the connection ends over it.
    mutating func outputDidBlock() { byte |= Self.blocked }

    /// epoll watches for room from now on, if it does not yet.
    mutating func watchOutput() {
        precondition(awaitsWritability, "an output that takes all is not watched: every read of the peer is an event")
        byte |= Self.output
    }

    /// epoll said that the kernel takes more.
    mutating func outputIsWritable() { byte &= ~Self.blocked }

    /// Nothing waits to be written. The write may have been made before the event that it was to wait for, which then
    /// does not come.
    ///
    /// - Parameter keepsWatching: whether the output is watched for the last hang-up as well.
    /// - Returns: whether the source is to go.
    mutating func queueIsEmpty(keepsWatching: Bool) -> Bool {
        byte &= ~Self.blocked
        guard watchesOutput, !keepsWatching else { return false }
        byte &= ~Self.output
        return true
    }

    /// Nothing is ever written again, and nothing waits for that.
    mutating func outputDidFail() { byte &= ~(Self.output | Self.blocked) }
}
