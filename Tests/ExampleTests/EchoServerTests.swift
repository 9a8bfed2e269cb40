// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

final class EchoServerTests {
    private let reactor: Reactor
    private let place: Place

    init() throws {
        reactor = try Reactor()
        place = try Place()
    }

    /// Ends what lives on the reactor.
    deinit {
        reactor.stop()
        reactor.run()
    }

    private var address: PipeAddress { place.address }

    @Test func `every message comes back, in order`() throws {
        let server = try Example("EchoServer", address.description, on: reactor)
        try server.waitForLine("listening on \(address)")
        let visitor = try Visitor(to: address, on: reactor)
        let sent = (0..<1000).map { "message \($0)" } + [""]
        for message in sent { try visitor.send(message) }
        #expect(try visitor.messages(sent.count) == sent)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal ends it cleanly: the name is given up, the connection closed`(signal: Int32) throws {
        let server = try Example("EchoServer", address.description, on: reactor)
        try server.waitForLine("listening on")
        let visitor = try Visitor(to: address, on: reactor)
        // A round trip: from then on the server has accepted, instead of having a visitor in its queue that it refuses.
        try visitor.send("hello")
        _ = try visitor.messages(1)
        server.signal(signal)
        #expect(try server.exitStatus() == 0)
        #expect(try visitor.reasonOfEnd() == .closedByPeer)
        #expect(!FileManager.default.fileExists(atPath: address.description))
    }

    @Test func `a name that is in use is an error, not a crash`() throws {
        let first = try Example("EchoServer", address.description, on: reactor)
        try first.waitForLine("listening on")
        let second = try Example("EchoServer", address.description, on: reactor)
        #expect(try second.exitStatus() == 1)
        #expect(second.lines.isEmpty)
        let visitor = try Visitor(to: address, on: reactor)
        try visitor.send("still here")
        #expect(try visitor.messages(1) == ["still here"])
    }
}
