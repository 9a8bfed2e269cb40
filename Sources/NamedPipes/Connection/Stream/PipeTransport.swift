// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

/// Carries the bytes of a ``ByteStream`` that is not a socket, such as memory in tests. Its functions answer as the
/// system calls do.
package protocol PipeTransport: AnyObject {
    /// Dispatches readiness to a handler from now on, until ``close()``. The transport must not retain it.
    func attach(to handler: any ByteStreamHandler)

    /// As `recv(2)`: at most `count` bytes.
    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>>

    /// As `send(2)`: the number of bytes that were taken; nil if it would block.
    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int?

    /// As `shutdown(2)` with `SHUT_WR`.
    func finishSending()

    /// As `close(2)`: the handler is not called any more.
    func close()

    /// How the peer went away; nil while it is there.
    var hangUp: PeerHangUp? { get }

    /// Whether the other end has yet to read bytes that were sent; nil if the transport cannot tell.
    var hasUnreadOutput: Bool? { get }

    /// Why the transport was lost, if it was, and knows more than the error of its last call says.
    var failure: DisconnectReason? { get }

    /// The handler may await other readiness than before. Readiness that exists already is dispatched in a later turn.
    func interestDidChange()
}

extension PipeTransport {
    package var hasUnreadOutput: Bool? { nil }
    package var failure: DisconnectReason? { nil }
}

/// A connection as its stream sees it: the stream dispatches readiness to it, from the loop and never inside a
/// callback, and a transport asks which readiness it awaits.
package protocol ByteStreamHandler: EventHandler {
    /// Whether to report input (`.readable`), as long as there is any.
    var awaitsInput: Bool { get }

    /// Whether to report room to write (`.writable`), once, when there is some.
    var awaitsOutput: Bool { get }

    /// Whether to report that the peer is gone (`.writable`), once.
    var awaitsHangUp: Bool { get }
}

/// How a peer went away.
package enum PeerHangUp {
    /// It had read everything.
    case clean
    /// It closed with unread bytes.
    case reset
}
