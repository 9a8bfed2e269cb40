// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

/// What the workers of a pool and its name have told, from all threads.
final class PoolLog: Sendable {
    struct Content {
        var madeCount = 0
        var stopCount = 0
        var ids: [PipeConnection.ID] = []
        var texts: [String] = []
        var reasons: [DisconnectReason] = []
        var events: [PipeServerPool.Event] = []
        var refusedByDelegate: [ConnectionRefusal] = []
        /// The number of live connections of each worker, by its thread.
        var live: [UInt: Int] = [:]
    }

    private let content = Mutex(Content())
    /// Whether the delegates accept clients.
    let accepts = Atomic(true)
    /// What a message does besides being sent back.
    let whenReceived: @Sendable (PipeConnection, String) -> Void
    /// Whether messages are sent back. Otherwise each is answered, and recorded, by its size: a large answer may find
    /// no room.
    let echoes: Bool

    init(echoes: Bool = true, whenReceived: @escaping @Sendable (PipeConnection, String) -> Void = { _, _ in }) {
        self.echoes = echoes
        self.whenReceived = whenReceived
    }

    func change(_ body: (inout Content) -> Void) { content.withLock { body(&$0) } }

    var now: Content { content.withLock { $0 } }

    /// The refusals that the pool's owner was told of, with those for which a report stands.
    var refusedCount: Int {
        now.events.reduce(0) { if case .refused(let report) = $1 { $0 + 1 + report.suppressedCount } else { $0 } }
    }

    var acceptErrors: [SystemError] {
        now.events.compactMap { if case .acceptFailed(let error) = $0 { error } else { nil } }
    }

    var losses: [NameLoss] { now.events.compactMap { if case .lostName(let loss) = $0 { loss } else { nil } } }

    var hasRegainedName: Bool { now.events.contains { if case .regainedName = $0 { true } else { false } } }

    /// The report of the last event.
    var report: ShutdownReport? {
        if case .stopped(let report) = now.events.last { report } else { nil }
    }
}

/// An echo server's delegate at one worker. `whoami` is answered with the thread.
final class PoolEcho: PipeServerDelegate {
    private let log: PoolLog

    init(_ log: PoolLog) {
        self.log = log
        log.change { $0.madeCount += 1 }
    }

    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        log.accepts.load(ordering: .relaxed)
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) {
        log.change { $0.refusedByDelegate.append(report.refusal) }
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        log.change {
            $0.ids.append(connection.id)
            $0.live[UInt(pthread_self()), default: 0] += 1
        }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let text = log.echoes ? String(decoding: Array(lent: message), as: UTF8.self) : "\(message.count)"
        log.change { $0.texts.append(text) }
        log.whenReceived(connection, text)
        _ = try? log.echoes ? connection.send(message) : connection.send(text)
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        log.change {
            $0.reasons.append(reason)
            $0.live[UInt(pthread_self()), default: 0] -= 1
        }
    }

    func serverDidStop(_ server: PipeServer) { log.change { $0.stopCount += 1 } }
}

/// A pool of echo servers and a log of everything, ended with the test.
final class EchoPool {
    let pool: PipeServerPool
    let log: PoolLog
    /// Opened before the end, for which a worker may wait that it holds.
    private let gate: ThreadGate?

    init(
        at address: PipeAddress, reactors: ReactorCount, dealing: Dealing = .fewestConnections,
        log: PoolLog = PoolLog(), gate: ThreadGate? = nil, _ change: (inout PipeServer.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = PipeServer.Configuration()
        // A test's peer may need minutes for a message, under a sanitizer and beside others.
        configuration.connection.frameDeadline = nil
        configuration.connection.writeStallDeadline = nil
        change(&configuration)
        self.log = log
        self.gate = gate
        pool = try PipeServerPool(
            listeningOn: address, reactors: reactors, configuration: configuration, dealing: dealing,
            onEvent: { _, event in log.change { $0.events.append(event) } }, delegate: { _ in PoolEcho(log) })
    }

    init(inheriting listener: InheritedListener, reactors: ReactorCount) throws {
        let log = PoolLog()
        self.log = log
        gate = nil
        pool = try PipeServerPool(
            inheriting: listener, reactors: reactors, onEvent: { _, event in log.change { $0.events.append(event) } },
            delegate: { _ in PoolEcho(log) })
    }

    /// The number of live connections of each worker that ever had one, sorted.
    var live: [Int] { log.now.live.values.sorted() }

    /// Stops, and waits for the threads.
    func end() {
        pool.beginStopping()
        pool.join()
    }

    deinit {
        gate?.open()
        end()
    }
}

/// Blocks threads until it is opened.
final class ThreadGate: Sendable {
    private let (entrance, exit): (Int32, Int32)
    private let isOpen = Atomic(false)

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        (entrance, exit) = (ends[1], ends[0])
    }

    func open() {
        guard !isOpen.exchange(true, ordering: .relaxed) else { return }
        // The end of the stream, which every reader sees.
        close(entrance)
    }

    func wait() {
        var byte: UInt8 = 0
        _ = unsafe read(exit, &byte, 1)
    }

    deinit {
        open()
        close(exit)
    }
}

extension Loop {
    /// Plain sockets that are connected to the address.
    func rawClients(_ count: Int, to other: PipeAddress? = nil) throws -> [RawPeer] {
        try (0..<count).map { _ in try RawPeer(connectingTo: other ?? address) }
    }

    /// Each client sends a text, and reads it again.
    func echo(_ clients: [RawPeer], _ text: String = "hello") -> Bool {
        let goals = clients.map { $0.frames.count + 1 }
        for client in clients { client.writeAll(frame(text)) }
        return poll {
            for (client, goal) in zip(clients, goals) where client.frames.count < goal { client.readAll() }
            return zip(clients, goals).allSatisfy { $0.frames.count == $1 && $0.texts.last == text }
        }
    }

    /// Reads until the client's connection has ended, with its end or a reset.
    func sawEnd(of client: RawPeer) -> Bool {
        client.readAll()
        return client.isAtEnd || !client.readErrors.isEmpty
    }
}
