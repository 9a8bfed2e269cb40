// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// An echo server on a thread of its own, so that a test can observe it from outside while its loop is held.
///
/// A client that sends "wait" is paused; ``abortWaiting()`` closes these clients.
final class BombedServer {
    let address: PipeAddress
    let thread: ReactorThread
    let record: Record
    let bystander: RawPeer

    final class Record: Sendable {
        let reasons = Mutex<[DisconnectReason]>([])
        let texts = Mutex<[String]>([])
        let openCount = Atomic(0)
        let refuses = Atomic(false)
        let isHeld = Atomic(false)
        let stopCount = Atomic(0)
    }

    /// - Parameter lacksPassRights: as on a kernel before Linux 6.16.
    convenience init(lacksPassRights: Bool) throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.lacksPassRights = lacksPassRights
        let address = try PipeAddress.unique(prefix: "bomb")
        try self.init(at: address, refuses: false) { [configuration] reactor, delegate in
            try PipeServer(listeningOn: address, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// - Parameter refuses: whether the delegate refuses every client.
    convenience init(
        inheriting socket: ListenEnvironment.Socket, at address: PipeAddress, _ configuration: PipeServer.Configuration,
        refuses: Bool
    ) throws {
        try self.init(at: address, refuses: refuses) { reactor, delegate in
            let listener = try #require(try InheritedListener.listeners(at: [socket]).first)
            return try PipeServer(
                inheriting: listener, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    private init(
        at address: PipeAddress, refuses: Bool,
        _ makeServer: @escaping @Sendable (Reactor, any PipeServerDelegate) throws -> PipeServer
    ) throws {
        let record = Record()
        record.refuses.store(refuses, ordering: .relaxed)
        thread = try ReactorThread { reactor in _ = try makeServer(reactor, Echo(record)) }
        self.address = address
        self.record = record
        bystander = try RawPeer(connectingTo: address)
    }

    /// Whether the loop turns, which it does not while a callback holds it.
    func turns() -> Bool {
        let isThere = Flag()
        thread.executor.post { _ in isThere.raise() }
        return eventually { isThere.isRaised }
    }

    func end() {
        thread.stop()
        thread.join()
    }

    /// How long a message and its answer take; nil if there is no answer.
    func ping() -> Duration? {
        let start = SuspendingClock.now
        let before = bystander.received.count
        bystander.writeAll(frame("ping"))
        var entry = pollfd(fd: bystander.descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 20_000) == 1 else { return nil }
        bystander.readAll()
        guard bystander.received.count == before + 8 else { return nil }
        return SuspendingClock.now - start
    }

    /// Keeps the loop from doing anything while the body runs.
    func whileHeld(_ body: () throws -> Void) rethrows {
        let record = record
        let isThere = Flag()
        record.isHeld.store(true, ordering: .sequentiallyConsistent)
        thread.executor.post { _ in
            isThere.raise()
            while record.isHeld.load(ordering: .sequentiallyConsistent) { sched_yield() }
        }
        defer { record.isHeld.store(false, ordering: .sequentiallyConsistent) }
        while !isThere.isRaised { sched_yield() }
        try body()
    }

    /// Ends the paused connections, unread.
    func abortWaiting() {
        thread.executor.post { reactor in
            for case let connection as PipeConnection in reactor.registry.elements where connection.context != nil {
                connection.abort()
            }
        }
    }

    private final class Echo: PipeServerDelegate {
        let record: Record
        init(_ record: Record) { self.record = record }

        func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
            !record.refuses.load(ordering: .relaxed)
        }

        func connectionDidOpen(_ connection: PipeConnection) { record.openCount.add(1, ordering: .relaxed) }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            let text = String(decoding: Array(lent: message), as: UTF8.self)
            if text != "ping" { record.texts.withLock { $0.append(text) } }
            if text == "wait" {
                connection.context = self
                return connection.pauseReceiving()
            }
            _ = try? connection.send(message)
        }

        func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
            record.reasons.withLock { $0.append(reason) }
        }

        func serverDidStop(_ server: PipeServer) { record.stopCount.add(1, ordering: .relaxed) }
    }
}

/// Raised once, by any thread.
final class Flag: Sendable {
    private let value = Atomic(false)
    func raise() { value.store(true, ordering: .sequentiallyConsistent) }
    var isRaised: Bool { value.load(ordering: .sequentiallyConsistent) }
}

/// Asks until the condition holds, for a condition that another thread brings about.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = SuspendingClock.now + Loop.patience
    while SuspendingClock.now < end {
        if condition() { return true }
        sched_yield()
    }
    return condition()
}
