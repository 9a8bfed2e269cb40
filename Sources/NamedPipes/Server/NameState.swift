// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What is between a server and its name.
struct NameState {
    /// Where clients come in.
    enum Entrance {
        /// The socket that has the name, or had it.
        case socket(Listener)
        /// There is none: the caller of ``PipeServer/admit(_:from:)`` is the listener.
        case noSocket
        /// No client is let in any more.
        case closed
    }

    var entrance: Entrance
    /// Whether clients find the server at its name, as far as has been seen.
    var isPublished = true
    /// Looks after the name while it is held.
    var monitor: NameMonitor?
    /// For the next attempt to publish again, or for the end of the time after a successor has taken over.
    var timer: ScheduledWork?
    /// The sockets that have lost their name for good, until the last client that waits there is accepted.
    var leftOver: [Listener] = []
    /// Why it could not be published again, as the delegate has heard it.
    var failure: PipeError?

    init(_ entrance: Entrance) { self.entrance = entrance }

    var listener: Listener? { if case .socket(let listener) = entrance { listener } else { nil } }

    var isOpen: Bool { if case .closed = entrance { false } else { true } }

    /// Nothing looks after the name any more.
    mutating func endMonitoring() {
        monitor?.end()
        monitor = nil
        timer?.cancel()
        timer = nil
    }

    /// The name is given up, and no client is let in any more.
    ///
    /// - Returns: the listeners there were, to be stopped.
    mutating func close() -> [Listener] {
        endMonitoring()
        defer {
            leftOver = []
            entrance = .closed
        }
        return leftOver + (listener.map { [$0] } ?? [])
    }
}
