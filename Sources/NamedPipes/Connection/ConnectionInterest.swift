// SPDX-License-Identifier: Apache-2.0

/// What epoll watches for a connection, and what it has reported: a value, so that it can be tested without a socket.
/// ``PipeConnection`` owns the event sources and registers them accordingly.
///
/// Input is watched exactly while it is wanted. `inputReady` is a hint: only a read knows whether there is input.
///
/// ```
///                 inputDidArrive, expectInput
///     nothing ─────────────────────────────────▶ input ready
///        ▲                                            │
///        └──────── inputIsRead, inputDidEnd ──────────┘
/// ```
///
/// Output is watched while the kernel takes no more, and after the end of the input, where the last event is that the
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
/// The queue can also become empty while the output is blocked, and ``watchForHangUp()`` starts watching from any of
/// these states.
struct ConnectionInterest: StateByte {
    private(set) var byte: UInt8

    init(byte: UInt8 = 0) { self.byte = byte }

    // epoll watches for input.
    private static let input: UInt8 = 1
    // There is an event source that waits for room, or for the last hang-up.
    private static let output: UInt8 = 2
    // The kernel took less than it was given.
    private static let blocked: UInt8 = 4
    // There may be input: epoll has reported it, or no read has been tried yet.
    private static let ready: UInt8 = 8
    // epoll has reported that the peer has finished: read until the end of the stream.
    private static let finishing: UInt8 = 16

    /// Input is watched, and nothing is reported.
    static var onlyInput: ConnectionInterest { ConnectionInterest(byte: input) }

    var watchesInput: Bool { byte & Self.input != 0 }
    var watchesOutput: Bool { byte & Self.output != 0 }

    /// Whether nothing is written until epoll reports room.
    var awaitsWritability: Bool { byte & Self.blocked != 0 }

    /// Whether a read may find input.
    var isInputReady: Bool { byte & Self.ready != 0 }

    /// Whether the end of the stream follows the unread input.
    var isPeerFinishing: Bool { byte & Self.finishing != 0 }

    // MARK: Input

    /// epoll watches for input from now on.
    mutating func watchInput() {
        precondition(!watchesInput, "a source is registered once")
        byte |= Self.input
    }

    /// epoll no longer watches for input. Its earlier reports remain valid.
    mutating func ignoreInput() {
        precondition(watchesInput, "a source that is not registered is not unregistered")
        byte &= ~Self.input
    }

    /// epoll reported input, and perhaps the end of the stream.
    mutating func inputDidArrive(finishing: Bool) { byte |= finishing ? Self.ready | Self.finishing : Self.ready }

    /// There may be input that epoll has not reported.
    mutating func expectInput() { byte |= Self.ready }

    /// A read took all input, or as much as a turn allows: epoll reports it if there is more.
    mutating func inputIsRead() { byte &= ~Self.ready }

    /// The end of the stream was read.
    mutating func inputDidEnd() { byte &= ~(Self.ready | Self.finishing) }

    /// From now on only one event can follow, at the output: the peer is gone altogether.
    mutating func watchForHangUp() { byte = byte & ~Self.input | Self.output }

    // MARK: Output

    /// The kernel took less than it was given. ``watchOutput()`` follows, unless this ends the connection.
    mutating func outputDidBlock() { byte |= Self.blocked }

    /// epoll watches for room from now on, if it does not already.
    mutating func watchOutput() {
        precondition(awaitsWritability, "an output that is not blocked is not watched: every read is an event")
        byte |= Self.output
    }

    /// epoll reported that the kernel takes more.
    mutating func outputIsWritable() { byte &= ~Self.blocked }

    /// The queue is written. If that happened before the event that it waited for, this event no longer comes.
    ///
    /// - Parameter keepsWatching: whether the output is also watched for the last hang-up.
    /// - Returns: whether to remove the event source.
    mutating func queueIsEmpty(keepsWatching: Bool) -> Bool {
        byte &= ~Self.blocked
        guard watchesOutput, !keepsWatching else { return false }
        byte &= ~Self.output
        return true
    }

    /// Nothing is ever written again, and nothing waits to be.
    mutating func outputDidFail() { byte &= ~(Self.output | Self.blocked) }
}
