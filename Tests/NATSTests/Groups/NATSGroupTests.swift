// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A group that spans servers` {
    @Test func `reaches the members at each of them, local and far, in order`() throws {
        try withStage { stage in
            let (far, near) = (try stage.link(), try stage.link())
            let (farServer, atFar) = try stage.server(far)
            let (nearServer, atNear) = try stage.loop.server()
            for recorder in [atFar, atNear] { recorder.whenOpened = { try? $0.join("news") } }
            let groups = (
                try far.span("news", of: farServer, at: "chat.news"),
                try near.span("news", of: nearServer, at: "chat.news")
            )
            var readCount = 0
            for link in [far, near] { link.whenReadByBroker { readCount += 1 } }
            try #require(stage.loop.run { readCount == 2 })
            let (_, atFarClient) = try stage.client(near)
            let clients = [stage.loop.client(), stage.loop.client()]
            let members = [atFarClient] + clients.map(\.1)
            try #require(stage.loop.run { atFar.openCount == 1 && atNear.openCount == 2 })
            for index in 0..<100 { try groups.1.publish("\(index)") }
            try #require(stage.loop.run { members.allSatisfy { $0.messageCount == 100 } })
            for member in members { #expect(member.texts == (0..<100).map { "\($0)" }) }
            // The server's own words stay with its own members, and so do those that follow when one has left.
            groups.1.leave()
            try nearServer.publish("near", to: "news")
            try groups.0.publish("far")
            try #require(
                stage.loop.run { atFarClient.messageCount == 101 && clients.allSatisfy { $0.1.messageCount == 101 } })
            try stage.settle(near)
            #expect(members.map { $0.texts.last } == ["far", "near", "near"])
        }
    }

    @Test func `says what it cannot pass on`() throws {
        try withStage { stage in
            let link = try stage.link()
            var small = PipeServer.Configuration()
            small.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 10)
            let (server, _) = try stage.server(link, "echo", .everyone, small)
            let group = try link.span("news", of: server, at: "news")
            #expect(throws: NATSError.connectionLost) { try group.publish("too early") }
            try stage.connect(link)
            var refusals: [PipeError] = []
            group.onRefusal = { refusals.append($0) }
            try group.publish("more than ten bytes")
            try #require(stage.loop.run { !refusals.isEmpty })
            #expect(refusals == [.messageTooLarge(byteCount: 19, limit: 10)])
            #expect(throws: NATSError.messageTooLarge(byteCount: 2 << 20, limit: 1 << 20)) {
                try group.publish([UInt8](repeating: 0, count: 2 << 20))
            }
            server.stop()
            try #require(stage.loop.run { server.isStopped })
            try group.publish("none left")
            try #require(stage.loop.run { link.listeners.isEmpty })
        }
    }
}
#endif
