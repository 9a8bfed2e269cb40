// SPDX-License-Identifier: Apache-2.0
package import NamedPipes
internal import NamedPipesTesting

/// A delegate that writes down what arrives, does what a test gave it to do, and watches over the contract: order, the
/// thread, no nesting, exactly one end. Whatever breaks the contract is in ``violations``.
package final class Recorder: PipeServerDelegate, PipeClientDelegate {
    package enum Callback: Hashable, CaseIterable, Sendable {
        case shouldAccept, didFailToAccept, didOpen, didReceive, didDrain, didFinishReceiving, didClose, serverDidStop
        case didFailSending, didRefuse, didChangeState, didFailToConnect, didFailToReconnect
        case didLoseName, didRegainName, didFailToRepublish
    }

    /// Every callback in order.
    package private(set) var log: [Callback] = []

    /// Every message in order, of all connections.
    package private(set) var messages: [[UInt8]] = []
    /// The messages of each connection.
    package private(set) var messagesByConnection: [PipeConnection.ID: [[UInt8]]] = [:]
    package private(set) var messageCount = 0
    package private(set) var byteCount = 0
    /// Off where a test moves more than it wants to hold.
    package var keepsMessages = true

    package private(set) var reasons: [DisconnectReason] = []
    package private(set) var reasonsByConnection: [PipeConnection.ID: DisconnectReason] = [:]
    package private(set) var unsentMessageCount = 0
    package private(set) var drainCount = 0
    /// How many messages had not left when the output of a connection failed, for each.
    package private(set) var failedSends: [Int] = []
    package private(set) var finishCount = 0
    package private(set) var openCount = 0
    package private(set) var stopCount = 0
    package private(set) var losses: [NameLoss] = []
    package private(set) var regainCount = 0
    package private(set) var republishErrors: [PipeError] = []
    package private(set) var peers: [PeerCredentials] = []
    package private(set) var acceptErrors: [SystemError] = []
    package private(set) var refusals: [RefusalReport] = []
    package private(set) var states: [PipeClient.State] = []
    package private(set) var failures: [PipeError] = []
    package private(set) var failedAttempts: [PipeError] = []

    /// The connections that are open, in the order in which they opened.
    package var connections: [PipeConnection] { opened.compactMap { openConnections[$0] } }
    private var opened: [PipeConnection.ID] = []
    private var openConnections: [PipeConnection.ID: PipeConnection] = [:]
    /// What was not as promised.
    package private(set) var violations: [String] = []

    // What to do inside the callbacks.
    package var whenAsked: (PipeServer, PeerCredentials) -> Bool = { _, _ in true }
    package var whenAcceptFailed: (PipeServer) -> Void = { _ in }
    package var whenRefused: (PipeServer, RefusalReport) -> Void = { _, _ in }
    package var whenOpened: (PipeConnection) -> Void = { _ in }
    /// With the message as it was lent, in place.
    package var whenLent: (PipeConnection, Span<UInt8>) -> Void = { _, _ in }
    package var whenReceived: (PipeConnection, [UInt8]) -> Void = { _, _ in }
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

    /// Lets go of what the closures captured, which may be this very object.
    package func forgetClosures() {
        whenAsked = { _, _ in true }
        whenAcceptFailed = { _ in }
        whenRefused = { _, _ in }
        whenOpened = { _ in }
        whenLent = { _, _ in }
        whenReceived = { _, _ in }
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
        messages.map { $0.count > 4096 ? "\($0.count) bytes" : String(decoding: $0, as: UTF8.self) }
    }

    package var isEverythingClosed: Bool { openCount > 0 && openConnections.isEmpty }
}

/// How many callbacks of one reactor are running: one at most.
private final class CallbackDepth {
    var value = 0
}

// MARK: - The callbacks

extension Recorder {
    package func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        note(.shouldAccept) {
            peers.append(peer)
            return whenAsked(server, peer)
        }
    }

    package func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        note(.didFailToAccept) {
            acceptErrors.append(error)
            whenAcceptFailed(server)
        }
    }

    package func server(_ server: PipeServer, didRefuse report: RefusalReport) {
        note(.didRefuse) {
            refusals.append(report)
            whenRefused(server, report)
        }
    }

    package func connectionDidOpen(_ connection: PipeConnection) {
        note(.didOpen, .opened(connection.id)) {
            openCount += 1
            opened.append(connection.id)
            openConnections[connection.id] = connection
            whenOpened(connection)
        }
    }

    package func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        note(.didReceive, .received(connection.id)) {
            messageCount += 1
            byteCount += message.count
            whenLent(connection, message)
            guard keepsMessages else { return whenReceived(connection, []) }
            let bytes = Array(lent: message)
            messages.append(bytes)
            messagesByConnection[connection.id, default: []].append(bytes)
            whenReceived(connection, bytes)
        }
    }

    package func connectionDidDrain(_ connection: PipeConnection) {
        note(.didDrain, .drained(connection.id)) {
            drainCount += 1
            whenDrained(connection)
        }
    }

    package func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        note(.didFailSending, .failedSending(connection.id)) {
            if connection.pendingByteCount != 0 { violations.append("a queue that nobody will take is kept") }
            failedSends.append(unsentMessageCount)
            whenSendingFailed(connection, unsentMessageCount)
        }
    }

    package func connectionDidFinishReceiving(_ connection: PipeConnection) {
        note(.didFinishReceiving, .finishedReceiving(connection.id)) {
            finishCount += 1
            whenFinished(connection)
        }
    }

    package func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        note(.didClose, .closed(connection.id)) {
            reasons.append(reason)
            reasonsByConnection[connection.id] = reason
            unsentMessageCount += connection.unsentMessageCount
            openConnections[connection.id] = nil
            whenClosed(connection, reason)
        }
    }

    package func serverDidStop(_ server: PipeServer) {
        note(.serverDidStop) {
            if server.connectionCount != 0 { violations.append("stopped with \(server.connectionCount) connections") }
            stopCount += 1
            whenStopped(server)
        }
    }

    package func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        note(.didLoseName) {
            losses.append(loss)
            whenLost(server, loss)
        }
    }

    package func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        note(.didFailToRepublish) {
            if server.isPublished { violations.append("published, and told that it is not") }
            republishErrors.append(error)
        }
    }

    package func serverDidRegainName(_ server: PipeServer) {
        note(.didRegainName) {
            if !server.isPublished { violations.append("regained, and not published") }
            regainCount += 1
        }
    }

    package func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {
        note(.didChangeState, .changed(ObjectIdentifier(client), state)) {
            states.append(state)
            whenChanged(client, state)
        }
    }

    package func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        note(.didFailToConnect) {
            failures.append(error)
            whenFailed(client, error)
        }
    }

    package func client(_ client: PipeClient, didFailToReconnectWith error: PipeError) {
        note(.didFailToReconnect) {
            failedAttempts.append(error)
            whenAttemptFailed(client, error)
        }
    }

    private func note<Result>(
        _ callback: Callback, _ step: CallbackContract.Callback = .other, _ body: () -> Result
    ) -> Result {
        if let problem = contract.begin(step) { violations.append(problem) }
        defer { contract.end() }
        if depth.value != 0 { violations.append("\(callback) inside another callback") }
        if !executor.isCurrent { violations.append("\(callback) on another thread") }
        depth.value += 1
        defer { depth.value -= 1 }
        log.append(callback)
        return body()
    }
}

extension Array where Element == UInt8 {
    /// What a callback was lent, to keep.
    package init(lent bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
