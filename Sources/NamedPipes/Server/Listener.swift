// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// A published name and its listening socket: accepts a bounded number of clients a turn, and rests when the process or
/// the system has no room, because the socket stays readable and a loop that asked again at once would never end.
final class Listener: EventHandler {
    private let reactor: Reactor
    private let name: PublishedName
    private let descriptor: Int32
    private let acceptsPerTurn: Int
    private let accepted: (consuming OwnedDescriptor) -> Void
    private let failed: (SystemError) -> Void
    private var source: EventSource?
    private var pause: ScheduledWork?

    /// How long to rest when there are no descriptors or no memory.
    private static let restTime = Duration.milliseconds(50)

    init(
        _ reactor: Reactor, _ name: PublishedName, acceptsPerTurn: Int,
        accepted: @escaping (consuming OwnedDescriptor) -> Void, failed: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        self.reactor = reactor
        self.name = name
        self.acceptsPerTurn = acceptsPerTurn
        self.accepted = accepted
        self.failed = failed
        guard let descriptor = name.listener else { preconditionFailure("a published name listens") }
        self.descriptor = descriptor
        // Borrowed: the name closes its socket itself, after the name is gone.
        source = EventSource(reactor, borrowing: descriptor, .readable, handler: self)
        try source?.register()
    }

    /// Gives the name up, if it still has one, and keeps the socket with whoever waits there.
    func giveNameUp() { name.removeName() }

    /// Accepts all who wait now, however many they are: nobody new can come any more.
    func acceptEverybodyWaiting() { accept(atMost: .max) }

    /// Gives the name up, then closes the socket. Clients that were not accepted yet read ECONNRESET and may try again.
    func stop() {
        source = nil
        pause?.cancel()
        name.removeName()
        name.close()
    }

    package func handle(_ readiness: Readiness) { accept(atMost: max(1, acceptsPerTurn)) }

    private func accept(atMost limit: Int) {
        for _ in 0..<limit {
            // The owner's code may have stopped us.
            guard source != nil else { return }
            do throws(SystemError) {
                guard let descriptor = try Socket.accept(descriptor) else { return }
                accepted(descriptor)
            } catch {
                // A client that has gone again is nobody's failure.
                if error.code == ECONNABORTED { continue }
                failed(error)
                return rest()
            }
        }
    }

    private func rest() {
        guard source != nil else { return }
        source?.unregister()
        pause = reactor.schedule(after: Self.restTime) { [weak self] in self?.goOn() }
    }

    private func goOn() {
        do {
            try source?.register()
        } catch {
            failed(error)
            rest()
        }
    }
}
