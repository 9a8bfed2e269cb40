// SPDX-License-Identifier: Apache-2.0
import NamedPipesRPC
import NamedPipesTesting
import Testing

@testable import ActorRoom
@testable import Chat
@testable import LanguageServer

/// The examples' delegates, without their programs.
struct ContractTests {
    @Test func `the room of the chat keeps to the contract`() throws {
        var conformance = DelegateConformance(messages: ["Ada", "Grace", "hello", "/nick Grace", "/nick "])
        conformance.seeds = 0..<40
        let violations = try conformance.check(server: { _ in Chat.Room() }, prepare: { $0.server = $1 })
        #expect(violations.isEmpty)
    }

    @Test func `a visit to the actor's room keeps to the contract`() throws {
        var conformance = DelegateConformance(messages: ["Ada", "Grace", "/who", "hello"])
        conformance.seeds = 0..<10
        let violations = try conformance.check(service: { ActorRoom.Room(on: $0.executor) }) { room, connection in
            try await Visit(room: room, connection: connection).run()
        }
        #expect(violations.isEmpty)
    }

    @Test func `the language server's methods keep to the contract`() throws {
        var conformance = DelegateConformance()
        conformance.seeds = 0..<10
        let document =
            #"{"textDocument": {"uri": "u", "text": "[a]\r\nx = 1"}, "position": {"line": 1, "character": 0}}"#
        let calls: [DelegateConformance.Call] = [
            ("initialize", try JSONText("{}")), ("textDocument/didOpen", try JSONText(document)),
            ("textDocument/hover", try JSONText(document)), ("textDocument/documentSymbol", nil),
        ]
        let violations = try conformance.check(service: { _ in Workspace() }, methods: { $0.methods }, calls: calls)
        #expect(violations.isEmpty)
    }

    @Test func `a visit to the room, step by step`() throws {
        let network = try MemoryNetwork()
        let room = Chat.Room()
        room.server = try network.makeServer(at: "room", delegate: room)
        let grace = try network.makeClient(to: "room", delegate: RecordingDelegate())
        grace.connect()
        network.settle()
        try grace.send("Grace")
        try network.run(
            PeerScript([
                .send("Grace"), .expect("! the name 'Grace' is not available"), .send("Ada"), .expect("* Ada joined"),
                .send("hello"), .expectNothing(for: .seconds(60)), .send("/nick Countess"),
                .expect("* Ada is now Countess"), .finish, .expectEnd,
            ]), against: "room", within: .seconds(120))
    }
}
