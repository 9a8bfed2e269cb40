// SPDX-License-Identifier: Apache-2.0

/// The order of callbacks that the delegates' protocols promise: a value that is told of each callback and returns the
/// violation.
package struct CallbackContract {
    /// A callback, as far as it matters for the order.
    package enum Callback: Sendable {
        case opened(PipeConnection.ID)
        case received(PipeConnection.ID)
        case drained(PipeConnection.ID)
        case failedSending(PipeConnection.ID)
        case finishedReceiving(PipeConnection.ID)
        case closed(PipeConnection.ID)
        case stopped(connectionCount: Int)
        case changed(ObjectIdentifier, PipeClient.State)
        case other
    }

    private enum Phase { case open, finished, closed }

    private var phases: [PipeConnection.ID: Phase] = [:]
    private var states: [ObjectIdentifier: PipeClient.State] = [:]
    // The connections whose output has failed.
    private var mute: Set<PipeConnection.ID> = []
    private var hasStopped = false
    private var depth = 0

    package init() {}

    /// The connections that were opened and have not ended.
    package var openConnections: [PipeConnection.ID] { phases.filter { $0.value != .closed }.map(\.key) }

    /// A callback begins. Returns the violation, or nil.
    package mutating func begin(_ callback: Callback) -> String? {
        depth += 1
        if depth > 1 { return "a callback inside another" }
        return problem(with: callback)
    }

    /// The callback has returned.
    package mutating func end() { depth -= 1 }

    private mutating func problem(with callback: Callback) -> String? {
        switch callback {
        case .opened(let id):
            return phases.updateValue(.open, forKey: id) == nil ? nil : "a connection opened twice"
        case .received(let id):
            return phases[id] == .open ? nil : "a message while the connection is \(name(of: id))"
        case .drained(let id):
            if mute.contains(id) { return "a drain after the output has failed" }
            return isOpen(id) ? nil : "a drain while the connection is \(name(of: id))"
        case .failedSending(let id):
            if !mute.insert(id).inserted { return "the output's failure twice" }
            return isOpen(id) ? nil : "the output's failure while the connection is \(name(of: id))"
        case .finishedReceiving(let id):
            defer { phases[id] = .finished }
            return phases[id] == .open ? nil : "the peer's finish while the connection is \(name(of: id))"
        case .closed(let id):
            defer { phases[id] = .closed }
            return isOpen(id) ? nil : "an end while the connection is \(name(of: id))"
        case .stopped(let connectionCount):
            defer { hasStopped = true }
            if hasStopped { return "the server's stop twice" }
            return connectionCount == 0 ? nil : "the server's stop with \(connectionCount) connections"
        case .changed(let client, let state):
            let last = states.updateValue(state, forKey: client)
            if last == .disconnected { return "\(state) after the client was done" }
            return last == state ? "the state \(state) twice" : nil
        case .other:
            return hasStopped ? "a callback of a server that has stopped" : nil
        }
    }

    private func isOpen(_ id: PipeConnection.ID) -> Bool { phases[id] == .open || phases[id] == .finished }

    private func name(of id: PipeConnection.ID) -> String { phases[id].map { "\($0)" } ?? "unknown" }
}
