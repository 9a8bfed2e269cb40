// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// One message that was watched on its way, by `pipectl tap` or `record`, or read from a recording.
struct CapturedMessage: Sendable, Hashable {
    typealias Direction = TappedMessage.Direction

    /// When it was seen, in nanoseconds since 1970-01-01 UTC.
    var nanoseconds: Int64

    /// The server's identifier of the connection, such as `17.1`, or `2/17.1` in a pool.
    var connection: String

    var direction: Direction

    /// The client's user; nil if it is unknown.
    var userID: UInt32?

    /// The client's process; nil if it is unknown.
    var processID: Int32?

    /// Its number among all messages of the capture, lost ones included. The first is 0.
    var sequence: UInt64

    /// The size of the whole message, without the framing's envelope; not less than that of ``bytes``.
    var byteCount: Int

    /// Its bytes: all of them, or the first ones if the capture has a limit.
    var bytes: [UInt8]

    /// Whether the capture has only the first bytes.
    var isCut: Bool { bytes.count < byteCount }
}

/// What a capture has to tell, in this order of time.
enum CaptureEvent: Sendable, Hashable {
    case message(CapturedMessage)

    /// This many messages, 0 or more, went by unseen since the last event: they came faster than they were taken.
    case lost(Int)
}
