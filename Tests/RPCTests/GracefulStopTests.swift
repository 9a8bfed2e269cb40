// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `80 · A graceful stop` {
    private typealias Calls = `80 · At the limit of handlers`

    @Test func `lets a handler that asks the client finish, and begins nothing new`() async throws {
        let address = try PipeAddress.unique(prefix: "rpc")
        let (listening, announce) = AsyncStream.makeStream(of: ReactorReference<PipeServer>.self)
        let methods = Calls.askingBack().methods
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { announce.finish() }
                try await PipeServer.serve(
                    at: address,
                    onEvent: { server, event in if case .listening = event { announce.yield(server.reference) } },
                    handler: { connection in try await JSONRPCPeer.serve(connection, methods: methods) })
            }
            for await server in listening {
                try await PipeClient.withConnection(to: address) { connection in
                    _ = try await connection.ask(Calls.call("ask", id: 1))
                    server.perform { $0.stop(gracePeriod: .seconds(3600)) }
                    // From some point on, nothing new is begun.
                    var id = 2
                    while try await connection.ask(Calls.call("ping", id: id)) == Calls.result(#""pong""#, id: id) {
                        id += 1
                    }
                    let refused = try await connection.ask(Calls.call("ping", id: 0))
                    #expect(refused?.hasPrefix(#"{"jsonrpc":"2.0","id":0,"error":{"code":-32001,"#) == true)
                    let reply = try await connection.ask(Calls.result("null", id: 1))
                    #expect(reply == Calls.result("null", id: 1))
                    // That was the last request; the hour was not needed.
                    #expect(try await connection.nextText() == nil)
                }
                break
            }
            try await group.waitForAll()
        }
    }
}
