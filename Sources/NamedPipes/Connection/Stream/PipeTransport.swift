// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

/// What a ``ByteStream`` is over where it is no socket: memory, in tests. Its functions answer as the system calls do.
package protocol PipeTransport: AnyObject {
    /// Tells a handler of readiness from now on, until ``close()``. It is not to be held.
    func attach(to handler: any ByteStreamHandler)

    /// As `recv(2)`: at most so many bytes.
    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>>

    /// As `send(2)`: how many bytes were taken; nil if none are now.
    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int?

    /// As `shutdown(2)` with `SHUT_WR`.
    func finishSending()

    /// As `close(2)`: nothing is called any more.
    func close()

    /// How the other end has gone altogether; nil while it is there.
    var hangUp: PeerHangUp? { get }

    /// The handler may be waiting for something else than before. What has come already is to be told, in a later turn.
    func interestDidChange()
}

/// A connection, to the stream below it: it hears of readiness, from the loop and never inside a callback, and says
/// which it awaits. epoll is told that; a transport asks.
package protocol ByteStreamHandler: EventHandler {
    /// Whether it is to be told of input (`.readable`), for as long as there is some.
    var awaitsInput: Bool { get }

    /// Whether it is to be told of room (`.writable`), once, when there is some.
    var awaitsOutput: Bool { get }

    /// Whether it is to be told (`.writable`), once, that its peer has gone altogether.
    var awaitsHangUp: Bool { get }
}

/// How a peer has gone altogether.
package enum PeerHangUp {
    /// It had read everything.
    case clean
    /// It closed over bytes that it had not read.
    case reset
}
