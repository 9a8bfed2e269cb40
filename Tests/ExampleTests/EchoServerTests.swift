// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

struct EchoServerTests {
    private let stage: Stage

    init() throws { stage = try Stage() }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }

    @Test func `every message comes back, in order`() throws {
        try stage.start("EchoServer")
        let visitor = try Visitor(to: address, on: reactor)
        let sent = (0..<1000).map { "message \($0)" } + [""]
        for message in sent { try visitor.send(message) }
        #expect(try visitor.messages(sent.count) == sent)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal ends it cleanly: the name is given up, the connection closed`(signal: Int32) throws {
        let server = try stage.start("EchoServer")
        let visitor = try Visitor(to: address, on: reactor)
        // After a round trip, the server has accepted the visitor. One that is still in its queue would be reset.
        try visitor.send("hello")
        _ = try visitor.messages(1)
        server.signal(signal)
        #expect(try server.exitStatus() == 0)
        #expect(try visitor.reasonOfEnd() == .closedByPeer)
        #expect(!FileManager.default.fileExists(atPath: address.description))
    }

    @Test func `a name that is in use is an error, not a crash`() throws {
        try stage.start("EchoServer")
        let second = try Example("EchoServer", address.description, on: reactor)
        #expect(try second.exitStatus() == 1)
        #expect(second.lines.isEmpty)
        let visitor = try Visitor(to: address, on: reactor)
        try visitor.send("still here")
        #expect(try visitor.messages(1) == ["still here"])
    }
}
