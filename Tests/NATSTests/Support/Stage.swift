// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

/// A loop, a broker, and links to it: the stage of most tests here.
final class Stage {
    let loop: Loop
    let broker: Broker
    var configuration = NATSLink.Configuration()

    init(_ loop: Loop, _ broker: Broker) {
        self.loop = loop
        self.broker = broker
        configuration.reconnectionDelay = .milliseconds(10)
        configuration.maximumReconnectionDelay = .milliseconds(50)
    }

    func link() throws -> NATSLink {
        try NATSLink(servers: [broker.url], configuration: configuration, reactor: loop.reactor)
    }

    func server(
        _ link: NATSLink, _ name: String = "echo", _ policy: NATSAccessPolicy = .everyone,
        _ configuration: PipeServer.Configuration = PipeServer.Configuration()
    ) throws -> (PipeServer, Recorder) {
        let recorder = loop.recorder()
        return (
            PipeServer(
                listeningOn: try link.name(name), admitting: policy, configuration: configuration, delegate: recorder),
            recorder
        )
    }

    /// A client that has been told to connect.
    func client(
        _ link: NATSLink, _ name: String = "echo", _ configuration: PipeClient.Configuration = .init()
    ) throws -> (PipeClient, Recorder) {
        let recorder = loop.recorder()
        let client = PipeClient(connectingTo: try link.name(name), configuration: configuration, delegate: recorder)
        client.connect()
        return (client, recorder)
    }

    /// Runs until links are connected.
    func connect(_ links: NATSLink...) throws {
        try #require(loop.run { links.allSatisfy { if case .connected = $0.state { true } else { false } } })
    }

    /// Runs until the broker has taken everything that a link has sent: a client of the same link has its answer.
    ///
    /// Without that, the broker may take an opening that comes on another connection before a server's subscription.
    func settle(_ link: NATSLink) throws {
        let (_, recorder) = try client(link, "no.server")
        try #require(loop.run { !recorder.failures.isEmpty })
    }

    /// A server and a client of it, each on a link of its own, both open.
    func pair(
        _ serverConfiguration: PipeServer.Configuration = .init(),
        _ clientConfiguration: PipeClient.Configuration = .init()
    ) throws -> Pair {
        let links = (try link(), try link())
        let (server, atServer) = try server(links.0, "echo", .everyone, serverConfiguration)
        try connect(links.0, links.1)
        try settle(links.0)
        let (client, atClient) = try client(links.1, "echo", clientConfiguration)
        try #require(loop.run { atServer.openCount == 1 && atClient.openCount == 1 })
        return Pair(links: links, server: server, atServer: atServer, client: client, atClient: atClient)
    }

    struct Pair {
        let links: (server: NATSLink, client: NATSLink)
        let server: PipeServer
        let atServer: Recorder
        let client: PipeClient
        let atClient: Recorder

        var serverConnection: PipeConnection { get throws { try #require(atServer.connections.first) } }
        var clientConnection: PipeConnection { get throws { try #require(atClient.connections.first) } }
    }
}

/// - Parameter virtualTime: the time of deadlines and heartbeats.
func withStage(in virtualTime: VirtualTime? = nil, _ options: [String] = [], _ body: (Stage) throws -> Void) throws {
    try withStage(in: virtualTime, { try Broker($0, options) }, body)
}

/// A stage whose broker stores streams.
func withStreams(in virtualTime: VirtualTime? = nil, _ body: (Stage) throws -> Void) throws {
    try withStage(in: virtualTime, { try Broker($0, storesStreams: true) }, body)
}

/// - Parameter configuration: the broker's.
func withStage(configuration: String, _ body: (Stage) throws -> Void) throws {
    try withStage(in: nil, { try Broker($0, configuration: configuration) }, body)
}

func withStage(
    in virtualTime: VirtualTime?, _ broker: (Loop) throws -> Broker, _ body: (Stage) throws -> Void
) throws {
    // The broker is started on a loop in real time.
    let (starting, loop) = (try Loop(), try Loop(in: virtualTime))
    let outcome = Result { try body(Stage(loop, try broker(starting))) }
    let problems = loop.end() + starting.end()
    #expect(problems == [])
    try outcome.get()
}
#endif
