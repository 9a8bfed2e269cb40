// SPDX-License-Identifier: Apache-2.0
package import PipeReactor

/// What a connection reads from and writes to where that is no socket but memory, in tests. Its functions answer as the
/// system calls do.
package protocol PipeTransport: AnyObject {
    /// The connection that it serves from now on, until ``close()``. Not to be held.
    func attach(to connection: PipeConnection)

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

    /// The connection may be waiting for something else than before: see ``PipeConnection/awaitsInput`` and
    /// ``PipeConnection/awaitsOutput``. What has come already is to be told, in a later turn.
    func interestDidChange()
}

/// How a peer has gone altogether.
package enum PeerHangUp {
    /// It had read everything.
    case clean
    /// It closed over bytes that it had not read.
    case reset
}
