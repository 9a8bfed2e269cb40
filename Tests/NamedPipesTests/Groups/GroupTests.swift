// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A group` {
    /// A server with several peers, and its connections in the same order.
    struct Crowd {
        let server: PipeServer
        let recorder: Recorder
        var peers: [RawPeer] = []
        var connections: [PipeConnection] { recorder.connections }

        init(
            _ count: Int, _ loop: Loop, _ configuration: PipeServer.Configuration = PipeServer.Configuration()
        ) throws {
            (server, recorder) = try loop.server(configuration)
            for number in 1...count {
                peers.append(try RawPeer(connectingTo: loop.address))
                let recorder = recorder
                try #require(loop.run { recorder.openCount == number })
            }
        }

        /// What each peer has received, once everything that was sent has arrived.
        func received(_ loop: Loop) throws -> [[String]] {
            try server.broadcast("end")
            return try peers.map { peer in
                try #require(peer.exchange(until: { peer.frames.last == Array("end".utf8) }, pieces: 1...50_000, loop))
                return peer.frames.dropLast().map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }

    @Test func `gets what is published to it, and other connections do not`() throws {
        try withLoop { loop in
            let crowd = try Crowd(4, loop)
            for index in 0..<3 { try crowd.connections[index].join("even") }
            try crowd.connections[3].join("odd")
            crowd.connections[1].leave("even")
            #expect(try crowd.server.publish("a", to: "even").acceptedCount == 2)
            #expect(try crowd.server.publish([98], to: "odd").acceptedCount == 1)
            #expect(try crowd.server.publish(PipeMessage(copying: [99]), to: "nobody").acceptedCount == 0)
            #expect(try crowd.server.publish("d", to: "even", except: crowd.connections[0].id).acceptedCount == 1)
            #expect(try crowd.received(loop) == [["a"], [], ["a", "d"], ["b"]])
        }
    }

    @Test func `gets what a member, or another connection, publishes to all but itself`() throws {
        try withLoop { loop in
            let crowd = try Crowd(3, loop)
            for index in 0..<2 { try crowd.connections[index].join("room") }
            #expect(try crowd.connections[0].publish("first", to: "room").acceptedCount == 1)
            #expect(try crowd.connections[2].publish("guest", to: "room").acceptedCount == 2)
            #expect(try crowd.received(loop) == [["guest"], ["first", "guest"], []])
        }
    }

    @Test func `is joined once however often, and left once`() throws {
        try withLoop { loop in
            let crowd = try Crowd(1, loop)
            let connection = crowd.connections[0]
            for _ in 0..<3 { try connection.join("room") }
            #expect(try crowd.server.publish("once", to: "room").acceptedCount == 1)
            #expect(crowd.server.memberCount(of: "room") == 1)
            connection.leave("room")
            connection.leave("room")
            #expect(crowd.server.memberCount(of: "room") == 0 && crowd.server.groups.isEmpty)
            #expect(try crowd.received(loop) == [["once"]])
        }
    }

    @Test(arguments: ["close", "abort", "finish", "peer"])
    func `loses members that can send no more`(how: String) throws {
        try withLoop { loop in
            let crowd = try Crowd(2, loop)
            for connection in crowd.connections {
                try connection.join("one")
                try connection.join("two")
            }
            let leaving = crowd.connections[0]
            #expect(leaving.groups == ["one", "two"])
            switch how {
            case "close":
                // Not empty, so that the connection stays for a while.
                try leaving.fillKernel(loop)
                leaving.close()
            case "abort": leaving.abort()
            case "finish": leaving.finishSending()
            default:
                crowd.peers[0].close()
                try #require(loop.run { crowd.recorder.reasons.count == 1 })
            }
            #expect(leaving.groups.isEmpty)
            let missing: MissingConnection = ["close", "finish"].contains(how) ? .finished : .ended
            #expect(throws: PipeError.notConnected(missing)) { try leaving.join("one") }
            #expect(crowd.server.groups == ["one", "two"])
            let outcome = try crowd.server.publish("rest", to: "one")
            #expect(outcome.acceptedCount == 1 && outcome.refusals.isEmpty)
        }
    }

    @Test func `keeps no connection alive`() throws {
        weak var connection: PipeConnection?
        try withLoop { loop in
            let crowd = try Crowd(1, loop)
            connection = crowd.connections[0]
            try connection?.join("room")
            crowd.peers[0].close()
            try #require(loop.run { crowd.recorder.isEverythingClosed })
            #expect(crowd.server.groups.isEmpty)
        }
        #expect(connection == nil)
    }

    /// A member's queue is full, and its connection ends while the others are being served.
    @Test func `goes on where a member is removed for reading too slowly`() throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.slowReaderPolicy = .disconnect
        configuration.connection.sendQueueLimit = 100_000
        configuration.connection.highWaterMark = 50_000
        try withLoop { loop in
            let crowd = try Crowd(3, loop, configuration)
            for connection in crowd.connections { try connection.join("room") }
            try crowd.connections[1].fillKernel(loop)
            var refusals: [PipeConnection.ID: PipeError] = [:]
            var publishedCount = 0
            while refusals.isEmpty, publishedCount < 20 {
                refusals = try crowd.server.publish([UInt8](repeating: 7, count: 20_000), to: "room").refusals
                publishedCount += 1
            }
            #expect(refusals == [crowd.connections[1].id: .sendQueueFull(limit: 100_000)])
            #expect(crowd.server.memberCount(of: "room") == 2)
            for index in [0, 2] {
                let peer = crowd.peers[index]
                try #require(peer.exchange(until: { peer.frames.count == publishedCount }, pieces: 1...50_000, loop))
            }
        }
    }

    @Test func `refuses for all what is not a message`() throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 10)
        try withLoop { loop in
            let crowd = try Crowd(1, loop, configuration)
            try crowd.connections[0].join("room")
            #expect(throws: PipeError.messageTooLarge(byteCount: 11, limit: 10)) {
                try crowd.server.publish([UInt8](repeating: 1, count: 11), to: "room")
            }
            #expect(try crowd.received(loop) == [[]])
        }
    }
}
