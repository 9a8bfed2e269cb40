// SPDX-License-Identifier: Apache-2.0
import NamedPipesRPC
import NamedPipesTesting
import Testing

// What the article TestingYourDaemon shows, as it stands there.

/// Greets each name that it receives, and closes the connection of a client that sends anything else.
private final class Greeter: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard let name = String(copying: message) else { return connection.close() }
        _ = try? connection.send("hello, \(name)")
    }
}

struct ArticleTests {
    @Test func `a guest is greeted by name`() throws {
        let network = try MemoryNetwork()
        try network.makeServer(at: "greeter", delegate: Greeter())
        let visit = PeerScript([
            .send("Ada"), .expect("hello, Ada"),
            .send([0xC3, 0x28]), .expectEnd,
        ])
        try network.run(visit, against: "greeter")
    }

    @Test func `a request is answered by line`() throws {
        var methods = JSONRPCMethods()
        methods.handle("status") { (jobs: [Int], call) in ["id": jobs[0]] }
        let network = try MemoryNetwork()
        network.serve(at: "jobs", configuration: .init(framing: DelimiterFraming.newline)) { [methods] connection in
            try await JSONRPCPeer.serve(connection, methods: methods)
        }
        let visit = PeerScript(
            [
                .send(#"{"jsonrpc":"2.0","id":1,"method":"status","params":[7]}"#),
                .expectJSON(#"{"jsonrpc":"2.0","id":1,"result":{"id":7}}"#),
                .send(#"{"jsonrpc":"2.0","id":2,"method":"stop"}"#),
                .expectMessage("an error") { message in
                    String(decoding: message, as: UTF8.self).contains(#""error""#)
                },
            ], framing: DelimiterFraming.newline)
        try network.run(visit, against: "jobs")
    }

    @Test func `a leaving guest is answered first`() throws {
        let network = try MemoryNetwork()
        let recorder = RecordingDelegate(forwardingTo: Greeter())
        try network.makeServer(at: "greeter", delegate: recorder)
        let guest = RecordingDelegate()
        let client = try network.makeClient(to: "greeter", delegate: guest)
        client.connect()
        network.settle()
        try client.send("Ada")
        client.connection?.finishSending()
        network.settle()
        #expect(guest.texts == ["hello, Ada"])
        #expect(
            recorder.events(of: recorder.connectionIDs[0])
                == [.opened, .received("Ada"), .finishedReceiving, .closed(.closedByPeer)])
    }

    @Test func `a guest that is silent for an hour is disconnected`() throws {
        let network = try MemoryNetwork()
        var configuration = PipeServer.Configuration()
        configuration.connection.idleLimit = .seconds(3600)
        let server = try network.makeServer(at: "greeter", configuration: configuration, delegate: Greeter())
        let client = try network.makeClient(to: "greeter", delegate: RecordingDelegate())
        client.connect()
        network.clock.advance(by: .seconds(3590))
        #expect(server.connectionCount == 1)
        network.clock.advance(by: .seconds(20))
        #expect(server.connectionCount == 0)
        #expect(server.statistics.closedCounts == [.idle: 1])
    }

    @Test(arguments: 0..<60) func `a break anywhere is noticed, and whole messages answered`(byteCount: Int) throws {
        let network = try MemoryNetwork(seed: 1, faults: .bumpy.cut(after: byteCount))
        let server = try network.makeServer(at: "greeter", delegate: Greeter())
        let guest = RecordingDelegate { connection, event in
            if event == .opened { for name in ["Ada", "Grace"] { _ = try? connection.send(name) } }
        }
        let client = try network.makeClient(to: "greeter", delegate: guest)
        client.connect()
        network.settle()
        #expect(["hello, Ada", "hello, Grace"].starts(with: guest.texts))
        #expect(server.connectionCount == 0 || server.statistics.receivedMessageCount == 2)
    }

    @Test func `the greeter keeps to the contract`() throws {
        let conformance = DelegateConformance(messages: ["Ada", "Grace"])
        let violations = try conformance.check(server: { _ in Greeter() })
        #expect(violations.isEmpty)
    }

    @Test func `the echo keeps to the contract`() throws {
        let violations = try DelegateConformance(messages: ["hello"]).check { connection in
            for try await message in connection.messages { try await connection.send(message) }
        }
        #expect(violations.isEmpty)
    }

    @Test func `the sums keep to the contract`() throws {
        var methods = JSONRPCMethods()
        methods.handle("add") { (numbers: [Int], call) in numbers.reduce(0, &+) }
        let violations = try DelegateConformance().check(methods: methods, calls: [("add", JSONText("[1, 2]"))])
        #expect(violations.isEmpty)
    }
}
