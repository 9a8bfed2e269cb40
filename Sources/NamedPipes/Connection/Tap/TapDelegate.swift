// SPDX-License-Identifier: Apache-2.0

/// Stands between the connections of an endpoint and their delegate while taps are attached, so that an endpoint
/// without taps pays nothing: the taps see what is received here, before the delegate does. What is sent comes from the
/// slow path of `send`, on which these connections stay; see ``ConnectionState/isTapped``.
final class TapDelegate: PipeConnectionDelegate {
    var delegate: any PipeConnectionDelegate
    private var taps: [(tap: MessageTap, worker: Int?)] = []

    init(_ delegate: any PipeConnectionDelegate) { self.delegate = delegate }

    var count: Int { taps.count }

    func add(_ tap: MessageTap, worker: Int?) {
        tap.didAttach()
        taps.append((tap, worker))
    }

    /// Has no effect if it is not there.
    func remove(_ tap: MessageTap) {
        guard let place = taps.firstIndex(where: { $0.tap === tap }) else { return }
        taps.remove(at: place)
        tap.didDetach()
    }

    /// Shows a message to all taps.
    func watch(_ message: Span<UInt8>, _ direction: TappedMessage.Direction, of connection: PipeConnection) {
        for (tap, worker) in taps { tap.watch(message, direction, of: connection, worker: worker) }
    }

    // The endpoint has stopped, or has ended with its reactor.
    deinit {
        for (tap, _) in taps { tap.serverDidEnd() }
    }

    // MARK: Callbacks

    func connectionDidOpen(_ connection: PipeConnection) {
        // Nothing was sent before. The last tap may have been detached since this connection's callback was begun.
        if count > 0 { connection.beginTapped() }
        delegate.connectionDidOpen(connection)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        watch(message, .toServer, of: connection)
        delegate.connection(connection, didReceive: message)
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        watch(message, .toServer, of: connection)
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
        delegate.connection(connection, didCloseWith: reason)
    }
}
