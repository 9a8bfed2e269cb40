// SPDX-License-Identifier: Apache-2.0
package import NamedPipes
package import NamedPipesTesting

/// The recorder that users have (``RecordingDelegate``), with what only our own tests need: code to run inside the
/// callbacks, the connections themselves, and a check of the contract: order, the thread, no nesting, exactly one end.
/// Whatever breaks the contract is in ``violations``.
@dynamicMemberLookup
package final class Recorder: PipeServerDelegate, PipeClientDelegate {
    package enum Callback: Hashable, CaseIterable, Sendable {
        case shouldAccept, didFailToAccept, didOpen, didReceive, didDrain, didFinishReceiving, didClose, serverDidStop
        case didFailSending, didRefuse, didChangeState, didFailToConnect, didFailToReconnect
        case didLoseName, didRegainName, didFailToRepublish, didSkip
    }

    private let recording = RecordingDelegate()

    /// The events of one kind so far, such as `messages`, `reasons` and `states`.
    package subscript<Value: Sendable>(dynamicMember kind: KeyPath<SortedEvents, Value>) -> Value {
        recording.sorted(kind)
    }

    /// Every callback in order.
    package var log: [Callback] { recording.events.map(Callback.init) }

    package private(set) var messageCount = 0
    package private(set) var byteCount = 0
    /// The kinds of the descriptors that came with each message that had any.
    package private(set) var descriptorKinds: [[DescriptorKind]] = []
    /// Whether messages are recorded. False where a test moves more than it wants to hold; they are counted all the
    /// same.
    package var keepsMessages = true

    package private(set) var unsentMessageCount = 0
    /// The reports of refusals, of which the recording has the reason alone.
    package private(set) var refusals: [RefusalReport] = []

    /// The connections that are open, in the order in which they opened.
    package var connections: [PipeConnection] { self.openedConnections.compactMap { openConnections[$0] } }
    private var openConnections: [PipeConnection.ID: PipeConnection] = [:]
    /// The broken promises.
    package private(set) var violations: [String] = []

    // The code to run inside the callbacks.
    package var whenAsked: (PipeServer, PeerCredentials) -> Bool = { _, _ in true }
    package var whenAcceptFailed: (PipeServer) -> Void = { _ in }
    package var whenRefused: (PipeServer, RefusalReport) -> Void = { _, _ in }
    package var whenOpened: (PipeConnection) -> Void = { _ in }
    /// With the message in place, as it was lent.
    package var whenLent: (PipeConnection, Span<UInt8>) -> Void = { _, _ in }
    package var whenReceived: (PipeConnection, [UInt8]) -> Void = { _, _ in }
    /// With the descriptors that came with the message, before ``whenReceived``.
    package var whenPassed: (PipeConnection, inout ReceivedDescriptors) -> Void = { _, _ in }
    package var whenDrained: (PipeConnection) -> Void = { _ in }
    package var whenSendingFailed: (PipeConnection, Int) -> Void = { _, _ in }
    /// What the protocol's default does.
    package var whenFinished: (PipeConnection) -> Void = { $0.close() }
    package var whenClosed: (PipeConnection, DisconnectReason) -> Void = { _, _ in }
    package var whenStopped: (PipeServer) -> Void = { _ in }
    package var whenLost: (PipeServer, NameLoss) -> Void = { _, _ in }
    package var whenChanged: (PipeClient, PipeClient.State) -> Void = { _, _ in }
    package var whenFailed: (PipeClient, PipeError) -> Void = { _, _ in }
    package var whenAttemptFailed: (PipeClient, PipeError) -> Void = { _, _ in }

    private var contract = CallbackContract()
    private let depth: CallbackDepth
    private let executor: ReactorExecutor

    package init(_ reactor: Reactor) {
        depth = reactor.companion(CallbackDepth.self) { CallbackDepth() }
        executor = reactor.executor
    }

    /// Releases what the closures captured, which may be this object itself.
    package func forgetClosures() {
        whenAsked = { _, _ in true }
        whenAcceptFailed = { _ in }
        whenRefused = { _, _ in }
        whenOpened = { _ in }
        whenLent = { _, _ in }
        whenReceived = { _, _ in }
        whenPassed = { _, _ in }
        whenDrained = { _ in }
        whenSendingFailed = { _, _ in }
        whenFinished = { $0.close() }
        whenClosed = { _, _ in }
        whenStopped = { _ in }
        whenLost = { _, _ in }
        whenChanged = { _, _ in }
        whenFailed = { _, _ in }
        whenAttemptFailed = { _, _ in }
    }

    /// The messages as texts; of a long one, which no test compares as text, only the size.
    package var texts: [String] {
        self.messages.map { $0.count > 4096 ? "\($0.count) bytes" : String(decoding: $0, as: UTF8.self) }
    }

    package var openCount: Int { self.openedConnections.count }

    /// The messages of each connection.
    package var messagesByConnection: [PipeConnection.ID: [[UInt8]]] {
        self.byConnection.compactMapValues { events in
            let messages = events.compactMap { if case .received(let message) = $0 { message } else { nil } }
            return messages.isEmpty ? nil : messages
        }
    }

    package var reasonsByConnection: [PipeConnection.ID: DisconnectReason] {
        self.byConnection.compactMapValues { if case .closed(let reason) = $0.last { reason } else { nil } }
    }

    package var isEverythingClosed: Bool { openCount > 0 && openConnections.isEmpty }
}

/// How many callbacks of one reactor are running: one at most.
private final class CallbackDepth {
    var value = 0
}

extension Recorder.Callback {
    fileprivate init(_ event: PipeEvent) {
        self =
            switch event {
            case .opened: .didOpen
            case .received: .didReceive
            case .drained: .didDrain
            case .failedSending: .didFailSending
            case .finishedReceiving: .didFinishReceiving
            case .closed: .didClose
            case .asked: .shouldAccept
            case .refused: .didRefuse
            case .failedToAccept: .didFailToAccept
            case .lostName: .didLoseName
            case .failedToRepublish: .didFailToRepublish
            case .regainedName: .didRegainName
            case .skipped: .didSkip
            case .stopped: .serverDidStop
            case .changed: .didChangeState
            case .failedToConnect: .didFailToConnect
            case .failedToReconnect: .didFailToReconnect
            }
    }
}

// MARK: - The callbacks

extension Recorder {
    package func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        note(.asked(peer)) { whenAsked(server, peer) }
    }

    package func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        note(.failedToAccept(error)) { whenAcceptFailed(server) }
    }

    package func server(_ server: PipeServer, didRefuse report: RefusalReport) {
        note(.refused(report.refusal)) {
            refusals.append(report)
            whenRefused(server, report)
        }
    }

    package func connectionDidOpen(_ connection: PipeConnection) {
        note(.opened, connection, .opened(connection.id)) {
            openConnections[connection.id] = connection
            whenOpened(connection)
        }
    }

    package func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        check("a message", .received(connection.id)) {
            messageCount += 1
            byteCount += message.count
            whenLent(connection, message)
            guard keepsMessages else { return whenReceived(connection, []) }
            let bytes = Array(lent: message)
            recording.note(.received(bytes), of: connection.id)
            whenReceived(connection, bytes)
        }
    }

    package func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        if descriptors.isEmpty { violations.append("no descriptors came with a message with descriptors") }
        descriptorKinds.append((0..<descriptors.count).map { descriptors.kind(at: $0) })
        whenPassed(connection, &descriptors)
        self.connection(connection, didReceive: message)
    }

    package func connectionDidDrain(_ connection: PipeConnection) {
        note(.drained, connection, .drained(connection.id)) { whenDrained(connection) }
    }

    package func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        let event = PipeEvent.failedSending(unsentMessageCount: unsentMessageCount)
        note(event, connection, .failedSending(connection.id)) {
            if connection.pendingByteCount != 0 { violations.append("a queue that can never be sent is kept") }
            whenSendingFailed(connection, unsentMessageCount)
        }
    }

    package func connectionDidFinishReceiving(_ connection: PipeConnection) {
        note(.finishedReceiving, connection, .finishedReceiving(connection.id)) { whenFinished(connection) }
    }

    package func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        note(.closed(reason), connection, .closed(connection.id)) {
            unsentMessageCount += connection.unsentMessageCount
            openConnections[connection.id] = nil
            whenClosed(connection, reason)
        }
    }

    package func serverDidStop(_ server: PipeServer) {
        note(.stopped) {
            if server.connectionCount != 0 { violations.append("stopped with \(server.connectionCount) connections") }
            whenStopped(server)
        }
    }

    package func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        note(.lostName(loss)) { whenLost(server, loss) }
    }

    package func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        note(.failedToRepublish(error)) {
            if server.isPublished { violations.append("published, and told that it is not") }
        }
    }

    package func serverDidRegainName(_ server: PipeServer) {
        note(.regainedName) {
            if !server.isPublished { violations.append("regained, and not published") }
        }
    }

    package func server(_ server: PipeServer, didSkip error: FramingError) { note(.skipped(error)) {} }

    package func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {
        note(.changed(state), nil, .changed(ObjectIdentifier(client), state)) { whenChanged(client, state) }
    }

    package func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        note(.failedToConnect(error)) { whenFailed(client, error) }
    }

    package func client(_ client: PipeClient, didFailToReconnectWith error: PipeError) {
        note(.failedToReconnect(error)) { whenAttemptFailed(client, error) }
    }

    private func note<Result>(
        _ event: PipeEvent, _ connection: PipeConnection? = nil, _ step: CallbackContract.Callback = .other,
        _ body: () -> Result
    ) -> Result {
        check("\(Callback(event))", step) {
            recording.note(event, of: connection?.id)
            return body()
        }
    }

    private func check<Result>(
        _ callback: @autoclosure () -> String, _ step: CallbackContract.Callback, _ body: () -> Result
    ) -> Result {
        if let problem = contract.begin(step) { violations.append(problem) }
        defer { contract.end() }
        if depth.value != 0 { violations.append("\(callback()) inside another callback") }
        if !executor.isCurrent { violations.append("\(callback()) on another thread") }
        depth.value += 1
        defer { depth.value -= 1 }
        return body()
    }
}

extension Array where Element == UInt8 {
    /// Keeps the bytes that a callback was lent.
    package init(lent bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
