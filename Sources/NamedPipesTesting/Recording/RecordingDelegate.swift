// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A delegate for servers and clients that records every callback in order.
///
/// ```swift
/// let recorder = RecordingDelegate()
/// let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: recorder)
/// …
/// reactor.run(timeout: .seconds(10)) { recorder.events.last == .closed(.closedByPeer) }
/// let events = recorder.events(of: connection)
/// #expect(events == [.opened, .received("hello"), .finishedReceiving, .closed(.closedByPeer)])
/// ```
///
/// The callbacks come on the reactor's thread, as with every delegate. The records can be read on any thread, and
/// awaited by a task: ``wait(for:within:)``, ``next(within:where:)``.
public final class RecordingDelegate: Sendable {
    // Called inside the callbacks only, as if it were the delegate itself.
    private nonisolated(unsafe) let target: (any PipeConnectionDelegate)?
    private let reaction: @Sendable (PipeConnection, PipeEvent) -> Void
    let record = Mutex(Record())

    /// Records, and otherwise behaves as a delegate's defaults do: accepts every client, and closes when the peer has
    /// finished.
    ///
    /// - Parameter reaction: called after each event of a connection was recorded, inside the callback. The default
    ///   does nothing.
    public init(reaction: @escaping @Sendable (PipeConnection, PipeEvent) -> Void = { _, _ in }) {
        unsafe target = nil
        self.reaction = reaction
    }

    /// Records each callback and then forwards it to another delegate, which behaves as if it were the only one.
    ///
    /// - Parameter delegate: a `PipeServerDelegate` or `PipeClientDelegate` also receives its own callbacks. Retained
    ///   as long as the recorder.
    public init(forwardingTo delegate: any PipeConnectionDelegate) {
        unsafe target = delegate
        reaction = { _, _ in }
    }

    /// Every event so far, of all connections.
    public var events: [PipeEvent] { record.withLock { $0.entries.map(\.event) } }

    /// The events of one connection so far.
    public func events(of connection: PipeConnection) -> [PipeEvent] { events(of: connection.id) }

    /// The events of one connection so far.
    public func events(of id: PipeConnection.ID) -> [PipeEvent] {
        record.withLock { $0.sorted.byConnection[id] ?? [] }
    }

    /// The connections that were opened so far, in order.
    public var connectionIDs: [PipeConnection.ID] { sorted(\.openedConnections) }

    /// Every message so far, of all connections.
    public var messages: [[UInt8]] { sorted(\.messages) }

    /// ``messages`` as texts, with U+FFFD where one is not UTF-8.
    public var texts: [String] { messages.map { String(decoding: $0, as: UTF8.self) } }

    /// Removes all records, so that only later events are left.
    public func removeAll() {
        record.withLock { $0.removeAll() }
    }

    /// The events of one kind so far.
    package func sorted<Value: Sendable>(_ kind: KeyPath<SortedEvents, Value>) -> Value {
        record.withLock { $0.sorted[keyPath: kind] }
    }

    /// Records an event of another delegate.
    package func note(_ event: PipeEvent, of id: PipeConnection.ID?) {
        record.withLock { $0.append(event, id) }.forEach { $0.resume() }
    }

    private func note(_ event: PipeEvent, _ connection: PipeConnection? = nil) { note(event, of: connection?.id) }

    private var server: (any PipeServerDelegate)? { unsafe target as? any PipeServerDelegate }
    private var client: (any PipeClientDelegate)? { unsafe target as? any PipeClientDelegate }
}

extension RecordingDelegate: PipeConnectionDelegate {
    /// Records ``PipeEvent/opened``.
    public func connectionDidOpen(_ connection: PipeConnection) {
        note(.opened, connection)
        unsafe target?.connectionDidOpen(connection)
        reaction(connection, .opened)
    }

    /// Records ``PipeEvent/received(_:)-enum.case``.
    public func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let event = PipeEvent.received([UInt8](copying: message))
        note(event, connection)
        unsafe target?.connection(connection, didReceive: message)
        reaction(connection, event)
    }

    /// Records ``PipeEvent/received(_:)-enum.case``. The descriptors are left to the other delegate, or closed.
    public func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        let event = PipeEvent.received([UInt8](copying: message))
        note(event, connection)
        unsafe target?.connection(connection, didReceive: message, descriptors: &descriptors)
        reaction(connection, event)
    }

    /// Records ``PipeEvent/drained``.
    public func connectionDidDrain(_ connection: PipeConnection) {
        note(.drained, connection)
        unsafe target?.connectionDidDrain(connection)
        reaction(connection, .drained)
    }

    /// Records ``PipeEvent/failedSending(unsentMessageCount:)``.
    public func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        let event = PipeEvent.failedSending(unsentMessageCount: unsentMessageCount)
        note(event, connection)
        unsafe target?.connection(connection, didFailSendingWith: unsentMessageCount)
        reaction(connection, event)
    }

    /// Records ``PipeEvent/finishedReceiving``.
    public func connectionDidFinishReceiving(_ connection: PipeConnection) {
        note(.finishedReceiving, connection)
        reaction(connection, .finishedReceiving)
        if let target = unsafe target {
            target.connectionDidFinishReceiving(connection)
        } else {
            connection.close()
        }
    }

    /// Records ``PipeEvent/closed(_:)``.
    public func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        note(.closed(reason), connection)
        unsafe target?.connection(connection, didCloseWith: reason)
        reaction(connection, .closed(reason))
    }
}

extension RecordingDelegate: PipeServerDelegate {
    /// Records ``PipeEvent/asked(_:)``.
    public func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        note(.asked(peer))
        return self.server?.server(server, shouldAccept: peer) ?? true
    }

    /// Records ``PipeEvent/refused(_:)``.
    public func server(_ server: PipeServer, didRefuse report: RefusalReport) {
        note(.refused(report.refusal))
        self.server?.server(server, didRefuse: report)
    }

    /// Records ``PipeEvent/failedToAccept(_:)``.
    public func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        note(.failedToAccept(error))
        self.server?.server(server, didFailToAcceptWith: error)
    }

    /// Records ``PipeEvent/lostName(_:)``.
    public func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        note(.lostName(loss))
        self.server?.server(server, didLoseName: loss)
    }

    /// Records ``PipeEvent/failedToRepublish(_:)``.
    public func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        note(.failedToRepublish(error))
        self.server?.server(server, didFailToRepublish: error)
    }

    /// Records ``PipeEvent/regainedName``.
    public func serverDidRegainName(_ server: PipeServer) {
        note(.regainedName)
        self.server?.serverDidRegainName(server)
    }

    /// Records ``PipeEvent/skipped(_:)``.
    public func server(_ server: PipeServer, didSkip error: FramingError) {
        note(.skipped(error))
        self.server?.server(server, didSkip: error)
    }

    /// Records ``PipeEvent/stopped``.
    public func serverDidStop(_ server: PipeServer) {
        note(.stopped)
        self.server?.serverDidStop(server)
    }
}

extension RecordingDelegate: PipeClientDelegate {
    /// Records ``PipeEvent/changed(_:)``.
    public func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {
        note(.changed(state))
        self.client?.client(client, didChangeTo: state)
    }

    /// Records ``PipeEvent/failedToConnect(_:)``.
    public func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        note(.failedToConnect(error))
        self.client?.client(client, didFailToConnectWith: error)
    }

    /// Records ``PipeEvent/failedToReconnect(_:)``.
    public func client(_ client: PipeClient, didFailToReconnectWith error: PipeError) {
        note(.failedToReconnect(error))
        self.client?.client(client, didFailToReconnectWith: error)
    }
}
