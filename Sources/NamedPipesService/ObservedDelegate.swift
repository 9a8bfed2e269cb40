// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes

/// Wraps the owner's delegate, and tells the service about all events except messages.
final class ObservedDelegate: PipeServerDelegate {
    typealias EventHandler = @Sendable (PipeServer, PipeServer.ServeEvent) -> Void

    private let delegate: any PipeServerDelegate
    private let onEvent: EventHandler
    /// Set before the loop continues, and thus before anything happens.
    weak var server: PipeServer?
    private var hasStopped = false
    private var waiting: CheckedContinuation<Void, Never>?

    init(_ delegate: any PipeServerDelegate, _ onEvent: @escaping EventHandler) {
        self.delegate = delegate
        self.onEvent = onEvent
    }

    func waitForStop(_ continuation: CheckedContinuation<Void, Never>) {
        if hasStopped { continuation.resume() } else { waiting = continuation }
    }

    // MARK: Connections

    func connectionDidOpen(_ connection: PipeConnection) {
        if let server { onEvent(server, .connected(connection.id, connection.peer)) }
        delegate.connectionDidOpen(connection)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        delegate.connection(connection, didReceive: message)
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        delegate.connection(connection, didReceive: message, descriptors: &descriptors)
    }

    func connectionDidDrain(_ connection: PipeConnection) { delegate.connectionDidDrain(connection) }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        delegate.connection(connection, didFailSendingWith: unsentMessageCount)
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        delegate.connectionDidFinishReceiving(connection)
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        if let server { onEvent(server, .disconnected(connection.id, connection.peer, reason)) }
        delegate.connection(connection, didCloseWith: reason)
    }

    // MARK: The server

    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        delegate.server(server, shouldAccept: peer)
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) {
        onEvent(server, .refused(report))
        delegate.server(server, didRefuse: report)
    }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        onEvent(server, .acceptFailed(error))
        delegate.server(server, didFailToAcceptWith: error)
    }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        onEvent(server, .lostName(loss))
        delegate.server(server, didLoseName: loss)
    }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        onEvent(server, .republishFailed(error))
        delegate.server(server, didFailToRepublish: error)
    }

    func serverDidRegainName(_ server: PipeServer) {
        onEvent(server, .regainedName)
        delegate.serverDidRegainName(server)
    }

    func server(_ server: PipeServer, didSkip error: FramingError) {
        onEvent(server, .skipped(error))
        delegate.server(server, didSkip: error)
    }

    func serverDidStop(_ server: PipeServer) {
        delegate.serverDidStop(server)
        onEvent(server, .stopped)
        hasStopped = true
        waiting.take()?.resume()
    }
}
#endif
