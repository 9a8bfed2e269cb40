// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

@testable import Chat

/// What the examples' delegates are as delegates, without their programs.
struct ContractTests {
    @Test func `the room of the chat keeps to the contract`() throws {
        var conformance = DelegateConformance(messages: ["Ada", "Grace", "hello", "/nick Grace", "/nick "])
        conformance.seeds = 0..<40
        let violations = try conformance.check(server: { _ in Room() }, prepare: { $0.server = $1 })
        #expect(violations.isEmpty)
    }

    @Test func `a visit to the room, step by step`() throws {
        let network = try MemoryNetwork()
        let room = Room()
        room.server = try network.makeServer(at: "room", delegate: room)
        let grace = try network.makeClient(to: "room", delegate: RecordingDelegate())
        grace.connect()
        network.settle()
        try grace.send("Grace")
        try network.run(
            PeerScript([
                .send("Grace"), .expect("! the name 'Grace' cannot be had"), .send("Ada"), .expect("* Ada joined"),
                .send("hello"), .expectNothing(for: .seconds(60)), .send("/nick Countess"),
                .expect("* Ada is now Countess"), .finish, .expectEnd,
            ]), against: "room", within: .seconds(120))
    }
}
