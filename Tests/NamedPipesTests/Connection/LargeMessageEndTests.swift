// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// The way in which a large message is sent.
enum LargeWay: CaseIterable {
    case ownMemory, kept, broadcast

    func send(_ message: [UInt8], _ connection: PipeConnection) throws {
        switch self {
        case .ownMemory: try withPassingMemory(message) { _ = try connection.send($0) }
        case .kept: try connection.send(PipeMessage(copying: message))
        case .broadcast: try connection.server?.broadcast(message)
        }
    }
}

@Suite struct `The end of a connection with large messages` {
    /// Three large messages with small ones between them.
    private let messages = [10, 700_000, 20, 1_000_000, 16_384, 0].enumerated().map {
        letters($0.element, seed: $0.offset)
    }

    private var configuration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.connection.highWaterMark = 8 << 20
        return configuration
    }

    @Test(arguments: LargeWay.allCases) func `by close comes when all of them have left`(way: LargeWay) throws {
        try withLoop { loop in
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            for message in messages { try way.send(message, connection) }
            connection.close()
            #expect(throws: PipeError.notConnected(.finished)) {
                try connection.send(PipeMessage(copying: messages[1]))
            }
            #expect(raw.peer.exchange(until: { raw.peer.isAtEnd }, pieces: 1...60_000, loop))
            #expect(raw.peer.frames == messages)
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.closedLocally])
            #expect(connection.unsentMessageCount == 0 && !connection.hasPartlySentMessage)
        }
    }

    @Test(arguments: LargeWay.allCases) func `is not what finishSending is: it sends them and goes on receiving`(
        way: LargeWay
    ) throws {
        try withLoop { loop in
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            for message in messages { try way.send(message, connection) }
            connection.finishSending()
            #expect(raw.peer.exchange(until: { raw.peer.isAtEnd }, pieces: 1...60_000, loop))
            #expect(raw.peer.frames == messages)
            let answer = pattern(120_000)
            raw.peer.writeAll(frame(answer))
            try #require(loop.run { raw.recorder.messageCount == 1 })
            #expect(raw.recorder.messages == [answer])
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.reasons == [.closedByPeer])
        }
    }

    @Test(arguments: LargeWay.allCases, [0, 100, 300_000, 712_000, 900_000])
    func `by abort reports what did not leave`(way: LargeWay, readByteCount: Int) throws {
        for framing: any MessageFraming in [LengthPrefixFraming(), DelimiterFraming.newline] {
            try withLoop { loop in
                var configuration = configuration
                configuration.connection.framing = framing
                let raw = try RawClient(loop, configuration)
                let connection = try raw.accepted
                for message in messages { try way.send(message, connection) }
                if readByteCount > 0 { try #require(raw.peer.receive(readByteCount, pieces: 1...20_000, loop)) }
                loop.settle()
                connection.abort()
                try #require(loop.run { raw.recorder.isEverythingClosed })
                raw.peer.readAll()
                try expectAccount(of: connection, raw.peer, framing)
            }
        }
    }

    @Test func `by abort in the callback that passes a message on reports it, too`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            var ended: PipeConnection?
            raw.recorder.whenLent = { connection, message in
                ended = connection
                #expect(throws: Never.self) { for _ in 0..<3 { try connection.send(message) } }
                connection.abort()
            }
            raw.peer.writeAll(frame(pattern(50_000)) + frame("never seen"))
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(raw.recorder.messageCount == 1)
            #expect(ended?.unsentMessageCount == 3 && ended?.hasPartlySentMessage == false)
        }
    }

    @Test func `by a peer that is gone before they are sent`() throws {
        for way in LargeWay.allCases {
            try withLoop { loop in
                let raw = try RawClient(loop)
                let connection = try raw.accepted
                connection.pauseReceiving()
                raw.peer.finishReading()
                raw.peer.close()
                try way.send(letters(50_000), connection)
                _ = try? way.send(letters(60_000), connection)
                loop.settle()
                #expect(!connection.isOpen)
                connection.resumeReceiving()
                try #require(loop.run { raw.recorder.isEverythingClosed })
                #expect(connection.unsentMessageCount >= 1)
            }
        }
    }

    /// The connection's report of its end agrees with what the peer has seen.
    private func expectAccount(of connection: PipeConnection, _ peer: RawPeer, _ framing: any MessageFraming) throws {
        let arrived = framing.messages(in: peer.received)
        #expect(arrived == Array(messages.prefix(arrived.count)))
        let isCut = try framing.stream(of: arrived).count != peer.received.count
        #expect(connection.hasPartlySentMessage == isCut)
        #expect(connection.unsentMessageCount == messages.count - arrived.count - (isCut ? 1 : 0))
    }
}

@Suite struct `Large messages that are kept for the next connection` {
    @Test(arguments: [0, 50, 300_000, 712_000, 900_000])
    func `are sent again only if not one byte of them had left`(readByteCount: Int) throws {
        for framing: any MessageFraming in [LengthPrefixFraming(), DelimiterFraming.newline] {
            try withLoop { loop in try sendAgain(loop, framing, readByteCount) }
        }
    }

    private func sendAgain(_ loop: Loop, _ framing: any MessageFraming, _ readByteCount: Int) throws {
        let sent = [10, 700_000, 20, 1_000_000, 16_384, 0, 250_000].enumerated().map {
            letters($0.element, seed: $0.offset)
        }
        let raw = try RawServer(loop, configuration(framing))
        let connection = try #require(raw.client.connection)
        for (index, message) in sent.enumerated() {
            let way: LargeWay = index.isMultiple(of: 2) ? .ownMemory : .kept
            try way.send(message, connection)
        }
        if readByteCount > 0 { try #require(raw.peer.receive(readByteCount, pieces: 1...20_000, loop)) }
        loop.settle()
        raw.peer.readAll()
        // Another test's child may have the descriptor for a moment; a close alone would then let more bytes leave.
        raw.peer.finishReading()
        raw.peer.close()
        try #require(loop.run { raw.recorder.reasons.count == 1 })
        let arrived = framing.messages(in: raw.peer.received)
        let isCut = try framing.stream(of: arrived).count != raw.peer.received.count
        #expect(arrived == Array(sent.prefix(arrived.count)))
        #expect(connection.hasPartlySentMessage == isCut)
        let rest = Array(sent.dropFirst(arrived.count + (isCut ? 1 : 0)))
        #expect(connection.unsentMessageCount == rest.count)
        let stream = try framing.stream(of: rest)
        var second: RawPeer?
        try #require(
            loop.poll {
                second = second ?? raw.listener.accept()
                second?.read(atMost: 60_000)
                return second?.received.count == stream.count
            })
        #expect(second?.received == stream)
        #expect(raw.client.keptMessageCount == 0)
    }

    private func configuration(_ framing: any MessageFraming) -> PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.unsentMessages = .keep
        configuration.connection.framing = framing
        configuration.connection.highWaterMark = 8 << 20
        configuration.reconnection = PipeClient.Reconnection()
        configuration.reconnection?.initialDelay = .milliseconds(1)
        return configuration
    }
}
