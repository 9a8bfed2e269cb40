// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The connection between a server and its name.
struct NameState {
    /// How clients reach the server.
    enum Entrance {
        /// The socket that has the name, or had it.
        case socket(Listener)
        /// There is no socket: ``PipeServer/adopt(_:)`` is the only way in, or a transport's listener in tests.
        case noSocket
        /// Clients come over a transport, through this.
        case transport(any TransportEntrance)
        /// A FIFO, from which one connection receives.
        case fifo(FIFODoor)
        /// No more clients are admitted.
        case closed
    }

    var entrance: Entrance
    /// Whether clients find the server at its name, as of the last check.
    var isPublished = true
    /// Watches the name while the server has it.
    var monitor: NameMonitor?
    /// For the next attempt to publish the name again, or for the end of the time after a take-over.
    var timer: ScheduledWork?
    /// Further sockets that a service manager has handed over, beside the one at the entrance.
    private var others: [Listener] = []
    /// The sockets that have lost their name for good, until the last client that waits there is accepted.
    var leftOver: [Listener] = []
    /// The reason why the name could not be published again, as reported to the delegate.
    var failure: PipeError?

    init(_ entrance: Entrance) { self.entrance = entrance }

    var listener: Listener? { if case .socket(let listener) = entrance { listener } else { nil } }

    var door: FIFODoor? { if case .fifo(let door) = entrance { door } else { nil } }

    var isOpen: Bool { if case .closed = entrance { false } else { true } }

    /// Stops watching the name.
    mutating func endMonitoring() {
        monitor?.end()
        monitor = nil
        timer?.cancel()
        timer = nil
    }

    /// Gives up the name. No more clients are admitted.
    ///
    /// - Returns: the listeners, which the caller stops.
    mutating func close() -> [Listener] {
        endMonitoring()
        if case .transport(let entrance) = entrance { entrance.close() }
        defer {
            leftOver = []
            others = []
            entrance = .closed
        }
        return leftOver + listeners
    }

    /// The listeners that have their names.
    var listeners: [Listener] { (listener.map { [$0] } ?? []) + others }

    /// Adds a further listener.
    mutating func add(_ listener: Listener) { others.append(listener) }

    /// Removes a listener that accepts no more clients, if there is another one.
    ///
    /// - Returns: whether it was removed, so that the caller stops it.
    mutating func remove(_ listener: Listener) -> Bool {
        guard !others.isEmpty else { return false }
        if self.listener === listener {
            entrance = .socket(others.removeFirst())
        } else {
            others.removeAll { $0 === listener }
        }
        return true
    }
}

/// Where clients come from that reach a server over a transport. The server retains it until it stops.
package protocol TransportEntrance: AnyObject {
    /// The server admits no more clients. Called once; calls nothing of the server.
    func close()
}
