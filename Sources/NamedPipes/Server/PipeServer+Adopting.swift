// SPDX-License-Identifier: Apache-2.0
public import PipeReactor
internal import Synchronization

// Connections that no listener of the server accepted. They take the same way in as clients: admission, the delegate's
// answer, the first callback.

extension PipeServer {
    /// Serves a connection as if its peer had connected to the server's name.
    ///
    /// The connection is admitted in a later turn of the loop, so that no callback runs inside another: policy, limits,
    /// ``PipeServerDelegate/server(_:shouldAccept:)``, then `connectionDidOpen`. A connection that is refused, or that
    /// comes after ``stop(gracePeriod:)``, is closed unread, counted, and reported with
    /// ``PipeServerDelegate/server(_:didRefuse:)``. So is one that comes once the server has stopped, but for the
    /// report.
    ///
    /// - Parameter connection: the connection, which belongs to the server from now on.
    public func adopt(_ connection: consuming AcceptedConnection) {
        endpoint.assertOwner()
        reference.adopt(connection)
    }

    fileprivate func admitAdopted(_ connection: consuming AcceptedConnection) {
        guard lifecycle.isServing else { return refuse(.stopping, connection.peer, closing: connection) }
        admit(connection, while: lifecycle.isServing)
    }
}

extension ReactorReference where Object == PipeServer {
    /// Gives a connection to the server, from any thread; see `PipeServer.adopt(_:)`.
    ///
    /// - Parameter connection: the connection. If the server or its reactor has ended by then, it is closed.
    /// - Returns: false if the reactor itself is gone.
    @discardableResult
    public func adopt(_ connection: consuming AcceptedConnection) -> Bool {
        let handOver = HandOverOnce(connection)
        return perform { server in
            guard let connection = handOver.take() else { return }
            server.admitAdopted(connection)
        }
    }
}

/// A noncopyable connection in a closure that can be copied: taken out once, or closed with the closure.
private final class HandOverOnce: Sendable {
    private let content: Mutex<AcceptedConnection?>

    init(_ connection: consuming AcceptedConnection) { content = Mutex(connection) }

    func take() -> AcceptedConnection? { content.withLock { $0.take() } }
}
