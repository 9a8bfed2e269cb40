// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Wraps the delegate under test: watches the order and the duration of callbacks, and lets another part of the program
/// act inside them.
final class ContractWatch {
    /// The callbacks of a connection.
    enum Kind: String, CaseIterable {
        case opened = "connectionDidOpen(_:)"
        case received = "connection(_:didReceive:)"
        case drained = "connectionDidDrain(_:)"
        case failedSending = "connection(_:didFailSendingWith:)"
        case finished = "connectionDidFinishReceiving(_:)"
        case closed = "connection(_:didCloseWith:)"
    }

    var target: (any PipeConnectionDelegate)?
    /// The object whose kept elements are counted, and which must end with the run: the delegate, or the owner of an
    /// async handler.
    weak var keeper: AnyObject?
    /// The handlers of connections, if the target is the library's own delegate, which calls them.
    var handlers: ConformanceHandlers?
    /// Whether the loop was held. In this case nothing more is asked of the target, which could take as long again each
    /// time.
    private(set) var hasHeldLoop = false
    private(set) var contract = CallbackContract()
    private(set) var hasStopped = false

    /// Whether the server is stopping gracefully. Handlers that wait for the other end may then read on after the
    /// finish that was reported to them; a user's delegate never does.
    var isStopping = false
    private var isReadingOn: Bool { isStopping && handlers != nil }

    /// Called for each event of a connection, before the delegate is told.
    var whenCalled: (PipeConnection, PipeEvent) -> Void = { _, _ in }
    /// Called after each callback of a connection, inside it.
    var meddle: (PipeConnection, Kind) -> Void = { _, _ in }
    var report: (ContractViolation.Side, String) -> Void = { _, _ in }

    private let executor: ReactorExecutor
    private let timeLimit: Duration

    init(_ reactor: Reactor, timeLimit: Duration) {
        executor = reactor.executor
        self.timeLimit = timeLimit
    }

    /// Watches a delegate, which must end with the run.
    func watchDelegate<Delegate: PipeConnectionDelegate>(_ delegate: Delegate) -> Delegate {
        target = delegate
        keeper = delegate
        return delegate
    }

    func forget() {
        target = nil
        handlers = nil
        whenCalled = { _, _ in }
        meddle = { _, _ in }
    }

    private func call<Result>(_ name: String, _ callback: CallbackContract.Callback, _ body: () -> Result) -> Result {
        begin(name, callback)
        defer { contract.end() }
        let start = ContinuousClock.now
        defer { check(start, name) }
        return body()
    }

    private func call(
        _ kind: Kind, _ callback: CallbackContract.Callback, _ connection: PipeConnection, _ event: PipeEvent,
        _ body: (any PipeConnectionDelegate) -> Void
    ) {
        begin(kind.rawValue, callback)
        defer { contract.end() }
        whenCalled(connection, event)
        let start = ContinuousClock.now
        if let target { body(target) }
        check(start, kind.rawValue)
        meddle(connection, kind)
    }

    private func begin(_ name: String, _ callback: CallbackContract.Callback) {
        if let problem = contract.begin(callback), !isReadingOn { report(.library, "made \(problem)") }
        if !executor.isCurrent { report(.library, "called \(name) on another thread") }
    }

    private func check(_ start: ContinuousClock.Instant, _ name: String) {
        if ContinuousClock.now - start > timeLimit { noteHeldLoop(in: name) }
    }

    /// The reactor's own measurements find callbacks other than those of connections.
    func check(_ callback: SlowCallback) {
        if callback.duration > timeLimit { noteHeldLoop(in: callback.name) }
    }

    private func noteHeldLoop(in name: String) {
        guard !hasHeldLoop else { return }
        report(.delegate, "\(Self.holding) for more than \(timeLimit) in \(name)")
        hasHeldLoop = true
        handlers?.cancel()
        if handlers == nil { target = nil }
    }

    /// The beginning of that violation's text.
    static let holding = "held the loop"

    /// Ends the handlers that are still running: first by letting time pass, then by cancellation.
    func letHandlersEnd(_ letTimePass: () -> Void) {
        guard let handlers, !hasHeldLoop else { return }
        if handlers.runningCount > 0 { letTimePass() }
        if handlers.runningCount > 0 {
            report(.delegate, "has a handler that continues after its connection has ended")
        }
        handlers.cancel()
        letTimePass()
    }

    private var server: (any PipeServerDelegate)? { target as? any PipeServerDelegate }
    private var client: (any PipeClientDelegate)? { target as? any PipeClientDelegate }
}

extension ContractWatch: PipeConnectionDelegate {
    func connectionDidOpen(_ connection: PipeConnection) {
        call(.opened, .opened(connection.id), connection, .opened) { $0.connectionDidOpen(connection) }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let event = PipeEvent.received([UInt8](copying: message))
        // Separate, because a span cannot be captured. The span is forwarded as it is, so that a message sent in place
        // stays in place.
        begin(Kind.received.rawValue, .received(connection.id))
        defer { contract.end() }
        whenCalled(connection, event)
        let start = ContinuousClock.now
        target?.connection(connection, didReceive: message)
        check(start, Kind.received.rawValue)
        meddle(connection, .received)
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        let event = PipeEvent.received([UInt8](copying: message))
        begin(Kind.received.rawValue, .received(connection.id))
        defer { contract.end() }
        whenCalled(connection, event)
        let start = ContinuousClock.now
        target?.connection(connection, didReceive: message, descriptors: &descriptors)
        check(start, Kind.received.rawValue)
        meddle(connection, .received)
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        call(.drained, .drained(connection.id), connection, .drained) { $0.connectionDidDrain(connection) }
    }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        let event = PipeEvent.failedSending(unsentMessageCount: unsentMessageCount)
        call(.failedSending, .failedSending(connection.id), connection, event) {
            $0.connection(connection, didFailSendingWith: unsentMessageCount)
        }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        call(.finished, .finishedReceiving(connection.id), connection, .finishedReceiving) {
            $0.connectionDidFinishReceiving(connection)
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        call(.closed, .closed(connection.id), connection, .closed(reason)) {
            $0.connection(connection, didCloseWith: reason)
        }
    }
}

extension ContractWatch: PipeServerDelegate {
    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        call("server(_:shouldAccept:)", .other) { self.server?.server(server, shouldAccept: peer) ?? true }
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) {
        call("server(_:didRefuse:)", .other) { self.server?.server(server, didRefuse: report) }
    }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        call("server(_:didFailToAcceptWith:)", .other) { self.server?.server(server, didFailToAcceptWith: error) }
    }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        call("server(_:didLoseName:)", .other) { self.server?.server(server, didLoseName: loss) }
    }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        call("server(_:didFailToRepublish:)", .other) { self.server?.server(server, didFailToRepublish: error) }
    }

    func serverDidRegainName(_ server: PipeServer) {
        call("serverDidRegainName(_:)", .other) { self.server?.serverDidRegainName(server) }
    }

    func server(_ server: PipeServer, didSkip error: FramingError) {
        call("server(_:didSkip:)", .other) { self.server?.server(server, didSkip: error) }
    }

    func serverDidStop(_ server: PipeServer) {
        hasStopped = true
        call("serverDidStop(_:)", .stopped(connectionCount: server.connectionCount)) {
            self.server?.serverDidStop(server)
        }
    }
}

extension ContractWatch: PipeClientDelegate {
    func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {
        call("client(_:didChangeTo:)", .changed(ObjectIdentifier(client), state)) {
            self.client?.client(client, didChangeTo: state)
        }
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        call("client(_:didFailToConnectWith:)", .other) {
            self.client?.client(client, didFailToConnectWith: error)
        }
    }

    func client(_ client: PipeClient, didFailToReconnectWith error: PipeError) {
        call("client(_:didFailToReconnectWith:)", .other) {
            self.client?.client(client, didFailToReconnectWith: error)
        }
    }
}
