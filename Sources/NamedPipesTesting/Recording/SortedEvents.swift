// SPDX-License-Identifier: Apache-2.0

/// The recorded events by kind and by connection, so that a condition that a loop asks in each turn need not search all
/// of them.
package struct SortedEvents: Sendable {
    package private(set) var byConnection: [PipeConnection.ID: [PipeEvent]] = [:]
    package private(set) var openedConnections: [PipeConnection.ID] = []
    package private(set) var messages: [[UInt8]] = []
    package private(set) var drainCount = 0
    /// The number of unsent messages of each connection whose output failed.
    package private(set) var failedSends: [Int] = []
    package private(set) var finishCount = 0
    package private(set) var reasons: [DisconnectReason] = []

    package private(set) var peers: [PeerCredentials] = []
    package private(set) var acceptErrors: [SystemError] = []
    package private(set) var losses: [NameLoss] = []
    package private(set) var regainCount = 0
    package private(set) var republishErrors: [PipeError] = []
    package private(set) var stopCount = 0

    package private(set) var states: [PipeClient.State] = []
    package private(set) var failures: [PipeError] = []
    package private(set) var failedAttempts: [PipeError] = []

    mutating func append(_ event: PipeEvent, _ connection: PipeConnection.ID?) {
        if let connection { byConnection[connection, default: []].append(event) }
        switch event {
        case .opened: if let connection { openedConnections.append(connection) }
        case .received(let message): messages.append(message)
        case .drained: drainCount += 1
        case .failedSending(let unsentMessageCount): failedSends.append(unsentMessageCount)
        case .finishedReceiving: finishCount += 1
        case .closed(let reason): reasons.append(reason)
        case .asked(let peer): peers.append(peer)
        case .refused, .skipped: break
        case .failedToAccept(let error): acceptErrors.append(error)
        case .lostName(let loss): losses.append(loss)
        case .regainedName: regainCount += 1
        case .failedToRepublish(let error): republishErrors.append(error)
        case .stopped: stopCount += 1
        case .changed(let state): states.append(state)
        case .failedToConnect(let error): failures.append(error)
        case .failedToReconnect(let error): failedAttempts.append(error)
        }
    }
}
