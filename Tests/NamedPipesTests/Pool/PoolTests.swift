// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

@Suite struct `A pool` {
    @Test(arguments: [1, 2, 4] as [ReactorCount])
    func `serves each client as a server does, and stops with one report`(reactors: ReactorCount) throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: reactors)
            #expect(echo.pool.reactorCount == reactors.value && echo.log.now.madeCount == reactors.value)
            let clients = try loop.rawClients(20)
            try #require(loop.echo(clients))
            try #require(loop.echo(clients, "again"))
            #expect(echo.pool.connectionCount == 20)
            clients[0].close()
            try #require(loop.poll { echo.pool.connectionCount == 19 })
            echo.pool.beginStopping(gracePeriod: .seconds(30))
            echo.pool.join()
            let report = try #require(echo.pool.shutdownReport)
            #expect(report.endedCount == 19 && report.forcedCount == 0)
            #expect(echo.log.report == report)
            let log = echo.log.now
            #expect(log.stopCount == reactors.value && log.reasons.count == 20 && log.texts.count == 40)
            guard case .listening? = log.events.first else { return #expect(Bool(false), "\(log.events)") }
            #expect(log.events.count == 2)
            for client in clients[1...] { #expect(loop.poll { loop.sawEnd(of: client) }) }
            #expect(throws: SystemError.self) { _ = try RawPeer(connectingTo: loop.address) }
        }
    }

    @Test func `gives all of its connections IDs of their own`() throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: 4)
            for _ in 0..<3 {
                let clients = try loop.rawClients(40)
                try #require(loop.echo(clients))
                for client in clients { client.close() }
                try #require(loop.poll { echo.pool.connectionCount == 0 })
            }
            let ids = echo.log.now.ids
            #expect(ids.count == 120 && Set(ids).count == 120)
            #expect(Set(ids.map(\.description)).count == 120)
        }
    }

    @Test func `deals each client to the worker with the fewest connections`() throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: 4)
            var clients = try loop.rawClients(80)
            try #require(loop.echo(clients))
            #expect(echo.live == [20, 20, 20, 20])
            var random = Seeded(14)
            clients.shuffle(using: &random)
            for client in clients[..<40] { client.close() }
            clients.removeFirst(40)
            try #require(loop.poll { echo.pool.connectionCount == 40 })
            clients += try loop.rawClients(40)
            try #require(loop.echo(clients))
            #expect(echo.live == [20, 20, 20, 20])
        }
    }

    @Test func `serves all clients of one user at one worker, if it is told to`() throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: 4, dealing: .byUser)
            try #require(loop.echo(try loop.rawClients(20)))
            #expect(echo.live.count == 1)
        }
    }

    @Test(arguments: [1, 3] as [ReactorCount])
    func `admits as many clients as one server does, and refuses each other once`(reactors: ReactorCount) throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: reactors) { $0.maximumConnectionCount = 10 }
            let clients = try loop.rawClients(14)
            try #require(loop.poll { echo.log.refusedCount == 4 && echo.log.now.ids.count == 10 })
            #expect(loop.echo(Array(clients[..<10])))
            for client in clients[10...] { #expect(loop.poll { loop.sawEnd(of: client) }) }
            for client in clients { client.close() }
            try #require(loop.poll { echo.pool.connectionCount == 0 })
            #expect(loop.echo(try loop.rawClients(10)))
            #expect(echo.log.now.refusedByDelegate.isEmpty)
        }
    }

    @Test func `holds no place for a client that a delegate refuses`() throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: 2) { $0.maximumConnectionCount = 3 }
            echo.log.accepts.store(false, ordering: .relaxed)
            for _ in 0..<4 {
                let clients = try loop.rawClients(3)
                for client in clients { try #require(loop.poll { loop.sawEnd(of: client) }) }
                try #require(loop.poll { echo.pool.connectionCount == 0 })
            }
            #expect(echo.log.now.refusedByDelegate.allSatisfy { $0 == .delegate })
            try #require(loop.poll { echo.log.refusedCount > 0 })
            echo.log.accepts.store(true, ordering: .relaxed)
            #expect(loop.echo(try loop.rawClients(3)))
        }
    }

    @Test func `takes connections that are given to it, or to a worker, into the same limits`() throws {
        try withLoop { loop in
            let log = PoolLog { connection, text in
                guard text.hasPrefix("adopt "), let number = Int32(text.dropFirst(6)),
                    let more = try? AcceptedConnection(adopting: number)
                else { return }
                connection.server?.adopt(more)
            }
            let echo = try EchoPool(at: loop.address, reactors: 2, log: log) { $0.maximumConnectionCount = 3 }
            let pairs = try (0..<3).map { _ in try RawPeer.pair() }
            let numbers = try pairs.map { try duplicate($0.0.descriptor) }
            echo.pool.adopt(try AcceptedConnection(adopting: numbers[0]))
            let first = pairs[0].1
            try #require(loop.echo([first], "adopt \(numbers[1])"))
            try #require(loop.echo([pairs[1].1], "adopt \(numbers[2])"))
            try #require(loop.echo([first, pairs[1].1, pairs[2].1]))
            #expect(echo.pool.connectionCount == 3)
            let refused = try RawPeer(connectingTo: loop.address)
            try #require(loop.poll { loop.sawEnd(of: refused) })
            pairs[1].1.close()
            try #require(loop.poll { echo.pool.connectionCount == 2 })
            #expect(loop.echo(try loop.rawClients(1)))
        }
    }

    @Test func `does not start at a name that is taken, and tells the delegates that it has made`() throws {
        try withLoop { loop in
            let (_, _) = try loop.server()
            for reactors in [1, 3] as [ReactorCount] {
                let log = PoolLog()
                #expect(throws: PipeError.self) {
                    _ = try EchoPool(at: loop.address, reactors: reactors, log: log)
                }
                #expect(log.now.madeCount == reactors.value && log.now.stopCount == reactors.value)
                #expect(log.now.events.isEmpty)
            }
        }
    }
}

// MARK: - Held workers

@Suite struct `A worker of a pool that is held` {
    /// Holds the worker that receives "hold" until the gate is opened.
    private func holding() throws -> (PoolLog, ThreadGate) {
        let gate = try ThreadGate()
        let log = PoolLog { _, text in if text == "hold" { gate.wait() } }
        return (log, gate)
    }

    @Test func `costs the clients of others nothing, and keeps no client that others could serve`() throws {
        try withLoop { loop in
            let (log, gate) = try holding()
            let echo = try EchoPool(at: loop.address, reactors: 2, log: log, gate: gate)
            let first = try loop.rawClients(2)
            try #require(loop.echo(first))
            first[0].writeAll(frame("hold"))
            try #require(loop.poll { log.now.texts.contains("hold") })
            // Half of these are dealt to the held worker at first.
            let others = try loop.rawClients(10)
            try #require(loop.echo(others + [first[1]]))
            #expect(echo.live == [1, 11])
            // As soon as the worker answers, it is the one with the fewest.
            gate.open()
            try #require(loop.poll { first[0].readAll() == () && first[0].texts == ["hello", "hold"] })
            try #require(loop.echo(try loop.rawClients(10)))
        }
    }

    @Test func `leaves a user's limit exact`() throws {
        try withLoop { loop in
            let (log, gate) = try holding()
            let echo = try EchoPool(at: loop.address, reactors: 2, log: log, gate: gate) {
                $0.maximumConnectionCountPerUser = 6
            }
            let first = try loop.rawClients(2)
            try #require(loop.echo(first))
            first[0].writeAll(frame("hold"))
            try #require(loop.poll { log.now.texts.contains("hold") })
            let others = try loop.rawClients(8)
            try #require(loop.echo(Array(others[..<4])))
            try #require(loop.poll { log.refusedCount == 4 })
            #expect(echo.pool.connectionCount == 6)
            gate.open()
            try #require(loop.poll { first[0].readAll() == () && first[0].texts.last == "hold" })
            #expect(echo.pool.connectionCount == 6)
        }
    }
}
