// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

extension PipeServerPool {
    fileprivate func change(_ change: (inout PipeServer.Configuration) -> Void) throws {
        var configuration = configuration
        change(&configuration)
        try reconfigure(configuration)
    }
}

@Suite struct `A pool that is reconfigured` {
    @Test(arguments: [1, 3] as [ReactorCount])
    func `admits by the new limits at once, whichever worker would serve, and keeps its connections`(
        reactors: ReactorCount
    ) throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: reactors)
            let clients = try loop.rawClients(5)
            try #require(loop.echo(clients))
            try echo.pool.change { $0.maximumConnectionCount = 6 }
            #expect(echo.pool.configuration.maximumConnectionCount == 6)
            let more = try loop.rawClients(3)
            try #require(loop.poll { echo.log.refusedCount == 2 })
            try #require(loop.echo(clients, "again"))
            try echo.pool.change {
                $0.maximumConnectionCount = nil
                $0.maximumConnectionCountPerUser = 6
            }
            let late = try loop.rawClients(1)
            try #require(loop.poll { echo.log.refusedCount == 3 })
            try echo.pool.change { $0.accessPolicy = .users([]) }
            let stranger = try loop.rawClients(1)
            try #require(loop.poll { echo.log.refusedCount == 4 })
            #expect(echo.pool.connectionCount == 6 && echo.log.now.reasons.isEmpty)
            withExtendedLifetime((more, late, stranger)) {}
        }
    }

    @Test func `has each worker follow with its deadlines and budgets`() throws {
        try withLoop { loop in
            let echo = try EchoPool(at: loop.address, reactors: 2)
            let clients = try loop.rawClients(4)
            try #require(loop.echo(clients))
            try echo.pool.change {
                $0.byteBudget = 5 << 20
                $0.connection.idleLimit = .milliseconds(1)
            }
            #expect(echo.pool.budget.limit == 5 << 20)
            for client in clients { try #require(loop.poll { loop.sawEnd(of: client) }) }
            #expect(echo.log.now.reasons == [.idle, .idle, .idle, .idle])
        }
    }

    @Test func `may be reconfigured by a worker's server, and refuses what is fixed`() throws {
        try withLoop { loop in
            let log = PoolLog { connection, text in
                guard let server = connection.server else { return }
                var configuration = server.configuration
                configuration.maximumConnectionCount = 2
                if text == "fixed" {
                    configuration.backlog = 1
                    #expect(throws: PipeError.cannotChange(.name)) { try server.reconfigure(configuration) }
                } else {
                    #expect(throws: Never.self) { try server.reconfigure(configuration) }
                }
            }
            let echo = try EchoPool(at: loop.address, reactors: 2, log: log)
            let clients = try loop.rawClients(2)
            try #require(loop.echo([clients[0]], "fixed"))
            #expect(echo.pool.configuration.maximumConnectionCount == nil)
            try #require(loop.echo([clients[1]], "lower"))
            #expect(echo.pool.configuration.maximumConnectionCount == 2)
            let late = try loop.rawClients(1)
            try #require(loop.poll { echo.log.refusedCount == 1 })
            withExtendedLifetime(late) {}
        }
    }
}
