// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The owner of a connection that belongs to no server and no client. The reactor's registry holds it until the
/// connection has ended.
final class LoneConnection: ConnectionOwner {
    private let endpoint: Endpoint
    private let connection: PipeConnection
    private var key: UInt64 = 0
    private var unread: [UInt8] = []

    /// Makes the connection, whose first turn comes from the loop.
    static func begin(
        _ accepted: consuming AcceptedConnection, _ configuration: PipeConnection.Configuration, _ reactor: Reactor,
        _ delegate: any PipeConnectionDelegate
    ) -> PipeConnection {
        let endpoint = Endpoint(reactor, configuration, delegate)
        endpoint.assertOwner()
        let unread = accepted.unreadBytes
        let owner = LoneConnection(endpoint, PipeConnection(endpoint, accepted.makeStream()))
        owner.unread = unread
        owner.key = reactor.registry.insert(owner)
        reactor.runAtEndOfTurn(owner)
        return owner.connection
    }

    private init(_ endpoint: Endpoint, _ connection: PipeConnection) {
        self.endpoint = endpoint
        self.connection = connection
        unsafe endpoint.owner = self
    }

    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot) {}

    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?) {}

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        endpoint.delegate = nil
        endpoint.reactor.registry.remove(key)
    }

    var keptByteCharge: Int { 0 }

    deinit {
        endpoint.delegate = nil
        unsafe endpoint.owner = nil
    }
}

extension LoneConnection: TurnWork, Registered {
    func runInTurn() { connection.begin(with: unread) }

    func reactorDidStop() { connection.end(.closedLocally) }
}
