// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// Runs a test on a loop of its own, then ends everything there and checks that every promise was kept.
func withLoop(in virtualTime: VirtualTime? = nil, _ body: (Loop) throws -> Void) throws {
    let loop = try Loop(in: virtualTime)
    let outcome = Result { try body(loop) }
    let problems = loop.end()
    #expect(problems == [])
    try outcome.get()
}

/// A server and one client of it, both open.
struct Pair {
    let server: PipeServer
    let atServer: Recorder
    let client: PipeClient
    let atClient: Recorder

    init(
        _ loop: Loop, server serverConfiguration: PipeServer.Configuration = .init(),
        client clientConfiguration: PipeClient.Configuration = .init()
    ) throws {
        (server, atServer) = try loop.server(serverConfiguration)
        (client, atClient) = loop.client(clientConfiguration)
        let (atServer, atClient) = (atServer, atClient)
        try #require(loop.run { atServer.openCount == 1 && atClient.openCount == 1 })
    }

    /// The server's end of the connection, while it is open.
    var accepted: PipeConnection { get throws { try #require(atServer.connections.first) } }
    var connection: PipeConnection { get throws { try #require(client.connection) } }
}

/// A server and one plain socket that is connected to it.
struct RawClient {
    let server: PipeServer
    let recorder: Recorder
    let peer: RawPeer

    init(_ loop: Loop, _ configuration: PipeServer.Configuration = .init()) throws {
        (server, recorder) = try loop.server(configuration)
        peer = try RawPeer(connectingTo: loop.address)
        let recorder = recorder
        try #require(loop.run { recorder.openCount == 1 })
    }

    var accepted: PipeConnection { get throws { try #require(recorder.connections.first) } }
}

/// A client of the library and the plain socket that accepted it.
struct RawServer {
    let listener: RawListener
    let client: PipeClient
    let recorder: Recorder
    let peer: RawPeer

    init(_ loop: Loop, _ configuration: PipeClient.Configuration = .init()) throws {
        listener = try RawListener(at: loop.address)
        (client, recorder) = loop.client(configuration)
        let recorder = recorder
        try #require(loop.run { recorder.openCount == 1 })
        peer = try #require(listener.accept())
    }
}
