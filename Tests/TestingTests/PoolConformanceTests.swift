// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

@Suite struct `The delegates of a pool's workers` {
    private func conformance(_ workers: ReactorCount) -> DelegateConformance {
        var conformance = DelegateConformance(messages: ["ping", "pause"])
        conformance.seeds = 0..<20
        conformance.workers = workers
        return conformance
    }

    @Test(arguments: [1, 2] as [ReactorCount])
    func `keep to the contract in every history`(workers: ReactorCount) throws {
        let violations = try conformance(workers).check(server: { Busy($0) }, prepare: { $0.server = $1 })
        #expect(violations.isEmpty)
    }

    @Test func `have a share of every callback and of every kind of end`() throws {
        let census = Census()
        var number = 0
        let violations = try conformance(2).check(server: { _ in
            defer { number += 1 }
            return Counting(census, worker: number % 2)
        })
        #expect(violations.isEmpty)
        #expect(census.callbacks.count == 12, "\(census.callbacks)")
        // The second worker has the second of two connections, which not every history has.
        #expect(census.callbacks["open 0", default: 0] > census.callbacks["open 1", default: 0])
        #expect(
            census.kinds.isSuperset(of: [
                .closedLocally, .closedByPeer, .resetByPeer, .truncatedByPeer, .framing, .serverStopped, .frameTimeout,
            ]), "\(census.kinds)")
    }

    @Test func `are caught if they never close`() throws {
        final class Forgetful: PipeServerDelegate {
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
            func connectionDidFinishReceiving(_ connection: PipeConnection) {}
        }
        var conformance = conformance(2)
        conformance.violationLimit = 1
        let violations = try conformance.check(server: { _ in Forgetful() })
        #expect(violations.map(\.problem) == ["did not close a connection whose peer has finished"])
    }

    @Test func `are caught if they keep something of every connection, each a part of it`() throws {
        final class Growing: PipeServerDelegate {
            private var names: [String] = []
            func connectionDidOpen(_ connection: PipeConnection) { names.append("\(connection.id)") }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
        }
        var conformance = conformance(2)
        conformance.violationLimit = 1
        let violations = try conformance.check(server: { _ in Growing() })
        #expect(violations.first?.problem.hasPrefix("keeps something of every connection that has ended") == true)
    }
}

@Suite struct `A pool in memory` {
    @Test func `deals its clients to all workers, and stops with one report`() throws {
        let network = try MemoryNetwork()
        let census = Census()
        var number = 0
        let pool = try network.makePool(at: "echo", workers: 3) { _ in
            defer { number += 1 }
            return Counting(census, worker: number)
        }
        let recorder = RecordingDelegate()
        let clients = try (0..<6).map { _ in try network.makeClient(to: "echo", delegate: recorder) }
        for client in clients { client.connect() }
        network.settle()
        for client in clients { try client.send("hello") }
        network.settle()
        #expect(recorder.texts == Array(repeating: "hello", count: 6))
        #expect(pool.connectionCount == 6)
        for worker in 0..<3 { #expect(census.callbacks["open \(worker)"] == 2) }
        pool.beginStopping(gracePeriod: .seconds(5))
        network.settle()
        #expect(pool.shutdownReport?.endedCount == 6 && pool.shutdownReport?.forcedCount == 0)
        for worker in 0..<3 { #expect(census.callbacks["stop \(worker)"] == 1) }
    }

    @Test func `keeps to limits of all workers together, in virtual time`() throws {
        let network = try MemoryNetwork()
        var configuration = PipeServer.Configuration()
        configuration.maximumConnectionCount = 3
        let pool = try network.makePool(at: "echo", workers: 2, configuration: configuration) { _ in
            Counting(Census(), worker: 0)
        }
        let recorder = RecordingDelegate()
        let clients = try (0..<5).map { _ in try network.makeClient(to: "echo", delegate: recorder) }
        for client in clients { client.connect() }
        network.settle()
        #expect(pool.connectionCount == 3)
        // A grace period is one of the network's time, however far that has gone.
        network.clock.advance(by: .seconds(100_000))
        pool.beginStopping(gracePeriod: .seconds(5))
        network.settle()
        #expect(pool.isStopped && pool.shutdownReport?.forcedCount == 0)
    }
}

/// What the delegates of all workers were told.
private final class Census {
    var kinds: Set<DisconnectReason.Kind> = []
    var callbacks: [String: Int] = [:]
}

/// An echo server's delegate that counts.
private final class Counting: PipeServerDelegate {
    private let census: Census
    private let worker: Int

    init(_ census: Census, worker: Int) {
        self.census = census
        self.worker = worker
    }

    private func count(_ callback: String) { census.callbacks["\(callback) \(worker)", default: 0] += 1 }

    func connectionDidOpen(_ connection: PipeConnection) { count("open") }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        count("receive")
        _ = try? connection.send(message)
    }

    func connectionDidDrain(_ connection: PipeConnection) { count("drain") }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        count("finish")
        connection.close()
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        count("close")
        census.kinds.insert(reason.kind)
    }

    func serverDidStop(_ server: PipeServer) { count("stop") }
}

/// A worker's delegate that uses everything, also the other workers.
private final class Busy: PipeServerDelegate {
    weak var server: PipeServer?
    private let reactor: Reactor

    init(_ reactor: Reactor) { self.reactor = reactor }

    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        server.pool.map { $0.connectionCount < 4 } ?? false
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        try? connection.join("all")
        _ = try? connection.send("welcome")
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let id = connection.id
        switch message.count {
        case 0: try? server?.pool?.postBroadcast("nothing")
        case 1: connection.finishSending()
        case 4: try? server?.pool?.post(message, to: "all", except: id)
        case 5:
            connection.pauseReceiving()
            reactor.schedule(after: .seconds(1)) { [weak self] in self?.server?[id]?.resumeReceiving() }
        default: _ = try? connection.send(message)
        }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        let id = connection.id
        reactor.schedule(after: .seconds(3)) { [weak self] in
            guard let connection = self?.server?[id] else { return }
            _ = try? connection.send("farewell")
            connection.close()
        }
    }
}
