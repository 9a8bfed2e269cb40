// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `The end of a pool` {
    @Test(arguments: [1, 2] as [ReactorCount])
    func `comes when a delegate stops its server, for all workers`(reactors: ReactorCount) throws {
        try withLoop { loop in
            let log = PoolLog { connection, text in
                if text == "stop" { connection.server?.stop(gracePeriod: .seconds(30)) }
            }
            let echo = try EchoPool(at: loop.address, reactors: reactors, log: log)
            let clients = try loop.rawClients(4)
            try #require(loop.echo(clients))
            clients[0].writeAll(frame("stop"))
            try #require(loop.poll { log.report != nil })
            echo.pool.join()
            #expect(log.report?.endedCount == 4 && log.now.stopCount == reactors.value)
        }
    }

    @Test func `can be waited for by several tasks, and comes once`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 2)
        let client = try RawPeer(connectingTo: echo.pool.address)
        #expect(eventually { echo.pool.connectionCount == 1 })
        let pool = echo.pool
        async let first = pool.stop(gracePeriod: .seconds(30))
        async let second = pool.stop()
        async let third = pool.waitUntilStopped()
        let reports = await [first, second, third]
        #expect(Set(reports).count == 1 && reports[0].endedCount == 1)
        #expect(await echo.pool.stop() == reports[0])
        #expect(echo.log.now.events.count == 2 && echo.log.report == reports[0])
        withExtendedLifetime(client) {}
    }

    @Test func `forces what is not done when the grace period is over`() async throws {
        let echo = try EchoPool(
            at: .unique(), reactors: 2, log: PoolLog { connection, _ in connection.pauseReceiving() })
        let client = try RawPeer(connectingTo: echo.pool.address)
        client.writeAll(frame("hello"))
        #expect(eventually { !echo.log.now.texts.isEmpty })
        let report = await echo.pool.stop(gracePeriod: .milliseconds(10))
        #expect(report.forcedCount == 1 && report.endedCounts == [.serverStopped: 1])
    }

    @Test func `releases the delegates and the pool`() async throws {
        weak var pool: PipeServerPool?
        do {
            let echo = try EchoPool(at: .unique(), reactors: 2)
            pool = echo.pool
            await echo.pool.stop()
        }
        #expect(eventually { pool == nil })
    }

    @Test func `leaves last numbers, and no one to send to`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 2)
        let clients = try (0..<4).map { _ in try RawPeer(connectingTo: echo.pool.address) }
        #expect(eventually { echo.log.now.ids.count == 4 })
        await echo.pool.stop()
        let numbers = await echo.pool.statistics()
        #expect(numbers.acceptedCount == 4 && numbers.closedCounts == [.serverStopped: 4] && numbers.openCount == 0)
        #expect(try await echo.pool.broadcast("too late").acceptedCount == 0)
        let (adoptable, peer) = try RawPeer.pair()
        echo.pool.adopt(try AcceptedConnection(adopting: duplicate(adoptable.descriptor)))
        adoptable.close()
        #expect(eventually { peer.read() != nil && peer.isAtEnd })
        withExtendedLifetime(clients) {}
    }
}
