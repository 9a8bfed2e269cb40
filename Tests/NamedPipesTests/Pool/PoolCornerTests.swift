// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

@Suite struct `A pool in the corners of its life` {
    @Test(arguments: [1, 2] as [ReactorCount])
    func `has no client before all of its delegates are made`(reactors: ReactorCount) throws {
        try withLoop { loop in
            let found = Mutex<[Bool]>([])
            let (address, log) = (loop.address, PoolLog())
            let pool = try PipeServerPool(listeningOn: address, reactors: reactors) { _ in
                let isThere = (try? RawPeer(connectingTo: address)) != nil
                found.withLock { $0.append(isThere) }
                return PoolEcho(log)
            }
            #expect(found.withLock { $0 } == Array(repeating: false, count: reactors.value))
            #expect(loop.echo(try loop.rawClients(2)))
            pool.beginStopping()
            pool.join()
        }
    }

    @Test func `keeps its name from another pool, and its clients`() throws {
        try withLoop { loop in
            let first = try EchoPool(at: loop.address, reactors: 2)
            let clients = try loop.rawClients(4)
            try #require(loop.echo(clients))
            let log = PoolLog()
            #expect {
                _ = try EchoPool(at: loop.address, reactors: 2, log: log)
            } throws: { error in
                if case .addressInUse? = error as? PipeError { true } else { false }
            }
            #expect(log.now.madeCount == 2 && log.now.stopCount == 2 && log.now.events.isEmpty)
            #expect(loop.echo(clients + (try loop.rawClients(2))))
            #expect(first.log.losses.isEmpty && first.log.report == nil)
        }
    }

    @Test(arguments: [1, 2, 4] as [ReactorCount], [1, 64])
    func `that stops while clients are dealt serves each one or lets it go, and has all places back`(
        reactors: ReactorCount, acceptsPerTurn: Int
    ) throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: reactors) { $0.acceptsPerTurn = acceptsPerTurn }
            let clients = try loop.rawClients(60)
            for client in clients { client.writeAll(frame("hello")) }
            try #require(loop.poll { echo.log.now.ids.count > 0 })
            echo.pool.beginStopping(gracePeriod: Loop.patience)
            echo.pool.join()
            for client in clients { try #require(loop.poll { loop.sawEnd(of: client) }) }
            let log = echo.log.now
            // A client that was served has its answer, and no other has anything.
            #expect(clients.count { $0.texts == ["hello"] } == log.ids.count)
            #expect(clients.allSatisfy { $0.frames.count <= 1 })
            #expect(log.texts.count == log.ids.count && log.reasons.count == log.ids.count)
            #expect(echo.log.report?.endedCount == log.ids.count && echo.log.report?.forcedCount == 0)
            #expect(log.ids.count + echo.log.refusedCount <= 60)
            #expect(echo.pool.connectionCount == 0)
        }
    }

    @Test func `whose acceptor gets no client from the kernel says so, serves on, and stops`() async {
        await #expect(processExitsWith: .success) { try failAccepting(with: ENOBUFS) }
    }

    @Test func `at the limit of descriptors hangs up on new clients, serves the others, and accepts again`() async {
        await #expect(processExitsWith: .success) { try shedAtTheLimit() }
    }
}

@Suite struct `A client on its way to a worker that is held` {
    /// A pool with a held worker, for which all clients wait.
    private func held(_ loop: Loop) throws -> (EchoPool, ThreadGate, RawPeer) {
        let gate = try ThreadGate()
        let log = PoolLog { _, text in if text == "hold" { gate.wait() } }
        let echo = try EchoPool(at: loop.address, reactors: 2, dealing: .byUser, log: log, gate: gate)
        let first = try RawPeer(connectingTo: loop.address)
        try #require(loop.echo([first]))
        first.writeAll(frame("hold"))
        try #require(loop.poll { log.now.texts.contains("hold") })
        return (echo, gate, first)
    }

    @Test func `that has left again by then is served what it has sent, and its place is free`() throws {
        try withLoop { loop in
            let (echo, gate, first) = try held(loop)
            let clients = try loop.rawClients(8)
            try #require(loop.poll { echo.pool.connectionCount == 9 })
            for client in clients {
                client.writeAll(frame("last words"))
                client.close()
            }
            #expect(echo.log.now.ids.count == 1)
            gate.open()
            try #require(loop.poll { echo.pool.connectionCount == 1 })
            let log = echo.log.now
            #expect(log.ids.count == 9 && log.reasons.count == 8)
            #expect(log.texts.count { $0 == "last words" } == 8)
            try #require(loop.poll { first.readAll() == () && first.texts == ["hello", "hold"] })
            #expect(loop.echo([first], "still"))
        }
    }

    @Test func `is let go with the pool, which has its place back`() throws {
        try withLoop { loop in
            let (echo, gate, first) = try held(loop)
            let clients = try loop.rawClients(8)
            try #require(loop.poll { echo.pool.connectionCount == 9 })
            echo.pool.beginStopping()
            #expect(!echo.pool.isStopped)
            gate.open()
            echo.end()
            for client in clients + [first] { try #require(loop.poll { loop.sawEnd(of: client) }) }
            let log = echo.log.now
            #expect(log.ids.count == log.reasons.count && echo.log.report?.endedCount == log.ids.count)
            #expect(echo.pool.connectionCount == 0)
        }
    }
}

// A filter belongs to one thread: here to the one that has the name.
private func failAccepting(with code: Int32) throws {
    try withLoop { loop in
        let echo = try EchoPool(at: loop.address, reactors: 2)
        let early = try loop.rawClients(2)
        try #require(loop.echo(early))
        let isFiltered = Flag()
        let server = try #require(echo.pool.state.withLock { $0.nameServer })
        server.perform { _ in if SystemCallFilter.fail(.accept4, with: code) { isFiltered.raise() } }
        try #require(loop.poll { isFiltered.isRaised })
        let waiting = try RawPeer(connectingTo: loop.address)
        try #require(loop.poll { echo.log.acceptErrors.contains(SystemError(call: "accept4", code: code)) })
        #expect(loop.echo(early, "still"))
        #expect(echo.pool.connectionCount == 2 && echo.log.now.ids.count == 2)
        echo.end()
        #expect(loop.poll { loop.sawEnd(of: waiting) })
        #expect(echo.log.report?.endedCount == 2)
    }
}

private func shedAtTheLimit() throws {
    limitDescriptors(to: 512)
    try withLoop { loop in
        let gate = try ThreadGate()
        let echo = try EchoPool(at: loop.address, reactors: 2, gate: gate)
        let early = try loop.rawClients(2)
        try #require(loop.echo(early))
        let server = try #require(echo.pool.state.withLock { $0.nameServer })
        let isHeld = Flag()
        server.perform { _ in
            isHeld.raise()
            gate.wait()
        }
        try #require(loop.poll { isHeld.isRaised })
        let waiting = try loop.rawClients(20)
        let hoard = Hoard()
        // The gate leaves a descriptor, which one of them may get.
        gate.open()
        try #require(loop.poll { waiting.count { loop.sawEnd(of: $0) } >= 19 })
        let refusals = echo.log.now.events.compactMap { event in
            if case .refused(let report) = event { report.refusal } else { nil }
        }
        #expect(Set(refusals) == [.descriptorLimit])
        #expect(echo.log.now.ids.count <= 3)
        #expect(loop.echo(early, "still"))
        hoard.release()
        #expect(loop.echo(try loop.rawClients(2)))
    }
}
