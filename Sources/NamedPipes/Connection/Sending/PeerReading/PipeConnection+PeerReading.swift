// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Whether the peer has read what was sent. The kernel only knows that the bytes left its queue: the peer's code may
// still have them in a buffer, unexamined. A peer that has to confirm more than that sends a message of its own.

extension PipeConnection {
    /// Whether messages that were sent are not read yet: they are queued here, or lie in the kernel's queue of the peer
    /// (`SIOCOUTQ`, unix(7)). Costs a system call or two.
    ///
    /// After the peer is gone, this is false if it had read everything.
    ///
    /// - Throws: ``PipeError/notConnected(_:)`` after the end of this connection; ``PipeError/system(_:)`` with
    ///   `ENOTTY` if the connection has no socket.
    public var hasUnreadByPeer: Bool {
        get throws(PipeError) {
            guard lifecycle.state != .closed else { throw .notConnected(lifecycle.missing) }
            do {
                return try hasUnreadAtPeer()
            } catch {
                throw .system(error)
            }
        }
    }

    /// As ``hasUnreadByPeer``, for as long as the socket is open.
    func hasUnreadAtPeer() throws(SystemError) -> Bool {
        // What was lost with a failed output is never read.
        if pendingMessageCount > 0 || pendingByteCount > 0 { return true }
        if try stream.hasUnreadOutput() { return true }
        // The socket of a peer that closes is emptied: then the queue says nothing, and the kind of its end does.
        switch try stream.hangUp() {
        case nil, .clean: return false
        case .reset: return true
        }
    }

    /// Calls a function once, when the peer has read everything that was sent up to then, also by later calls of
    /// `send`. Windows calls this `FlushFileBuffers`, and .NET `WaitForPipeDrain`.
    ///
    /// ```swift
    /// try connection.send(goodbye)
    /// connection.whenReadByPeer(within: .seconds(5)) { _ in connection.close() }
    /// ```
    ///
    /// The kernel's queue is looked at whenever the peer has read something, and on a timer, after 1 ms at first and 64
    /// ms at most. While a call waits, the connection uses one more descriptor, if one is free.
    ///
    /// - Parameters:
    ///   - limit: the longest time to wait.
    ///   - report: called from the loop, and never inside this call. Succeeds if the peer has read everything. Fails
    ///     with ``PipeError/timedOut``; with ``PipeError/disconnected(_:)`` if the connection ended before; or with
    ///     ``PipeError/notConnected(_:)`` or ``PipeError/system(_:)``, as ``hasUnreadByPeer`` does. Retained until
    ///     then.
    public func whenReadByPeer(within limit: Duration, _ report: @escaping (Result<Void, PipeError>) -> Void) {
        endpoint.assertOwner()
        guard lifecycle.state != .closed else {
            let missing = lifecycle.missing
            endpoint.reactor.schedule(after: .zero) { report(.failure(.notConnected(missing))) }
            return
        }
        let watch = rare.peerReading ?? PeerReadingWatch(self, endpoint.reactor)
        rare.peerReading = watch
        watch.add(limit, report)
    }

    /// For ``PeerReadingWatch``.
    func watchEdges(_ handler: any EventHandler) throws(SystemError) -> EventSource? {
        try stream.edges(handler, endpoint.reactor)
    }
}
