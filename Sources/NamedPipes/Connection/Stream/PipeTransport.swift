// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

/// Carries the bytes of a ``ByteStream`` that is no socket: memory, in tests. Its functions answer as the system calls
/// do.
package protocol PipeTransport: AnyObject {
    /// Dispatches readiness to a handler from now on, until ``close()``. The transport must not retain it.
    func attach(to handler: any ByteStreamHandler)

    /// As `recv(2)`: at most `count` bytes.
    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>>

    /// As `send(2)`: how many bytes were taken; nil where it would block.
    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int?

    /// As `shutdown(2)` with `SHUT_WR`.
    func finishSending()

    /// As `close(2)`: the handler is not called any more.
    func close()

    /// How the peer went away; nil while it is there.
    var hangUp: PeerHangUp? { get }

    /// The handler may await other readiness than before. What is ready already is dispatched, in a later turn.
    func interestDidChange()
}

/// A connection as its stream sees it: the stream dispatches readiness to it, from the loop and never inside a
/// callback, and a transport asks which readiness it awaits.
package protocol ByteStreamHandler: EventHandler {
    /// Whether input is to be reported (`.readable`), for as long as there is some.
    var awaitsInput: Bool { get }

    /// Whether room is to be reported (`.writable`), once, when there is some.
    var awaitsOutput: Bool { get }

    /// Whether the peer's disappearance is to be reported (`.writable`), once.
    var awaitsHangUp: Bool { get }
}

/// How a peer went away.
package enum PeerHangUp {
    /// It had read everything.
    case clean
    /// It closed over bytes that it had not read.
    case reset
}
