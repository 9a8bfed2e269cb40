// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

@Suite struct `A typed channel` {
    static func codec(_ name: String) -> MessageCodec<Pair, Pair> {
        switch name {
        case "property list": return .propertyList
        case "XML property list":
            let encoder = PropertyListEncoder()
            encoder.outputFormat = .xml
            return .propertyList(encoder: encoder, decoder: PropertyListDecoder())
        case "one's own":
            return MessageCodec { message in
                let parts = (String(copying: message) ?? "").split(separator: "/").compactMap { Int($0) }
                guard parts.count == 2 else { throw OwnFailure() }
                return Pair(left: parts[0], right: parts[1])
            } encode: { pair in
                Array("\(pair.left)/\(pair.right)".utf8)
            }
        default: return .json
        }
    }

    /// Swaps the values that arrive, and counts the messages that cannot be decoded.
    static func swap(
        _ policy: UndecodableMessage.Policy, _ codec: String
    ) -> @Sendable (AsyncPipeConnection) async throws -> Void {
        { connection in
            let channel = PipeChannel(connection, codec: Self.codec(codec), undecodablePolicy: policy)
            for try await pair in channel.messages {
                try await channel.send(Pair(left: pair.right, right: pair.left))
            }
        }
    }

    @Test(arguments: ["JSON", "property list", "XML property list", "one's own"])
    func `carries values`(codec: String) async throws {
        try await Conversation().serve(Self.swap(.keepConnection, codec)) { address in
            try await PipeClient.withConnection(to: address) { connection in
                let channel = PipeChannel(connection, codec: Self.codec(codec))
                for number in 0..<20 {
                    try await channel.send(Pair(left: number, right: -number))
                    #expect(try await channel.nextMessage() == Pair(left: -number, right: number))
                }
                await connection.finishSending()
                #expect(try await channel.nextMessage() == nil)
            }
        }
    }

    @Test func `hands out the bytes of a message that cannot be decoded, and goes on`() async throws {
        try await Conversation().serve { connection in
            for text in ["{\"left\":1}", "no JSON", #"{"left":1,"right":2}"#] { try await connection.send(text) }
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                let channel = PipeChannel<Pair, Pair>(connection, codec: .json)
                var failures: [String] = []
                var pairs: [Pair] = []
                while failures.count < 2 || pairs.isEmpty {
                    do {
                        for try await pair in channel.messages { pairs.append(pair) }
                    } catch let error as UndecodableMessage {
                        #expect(error.reason is DecodingError)
                        failures.append(String(copying: error.message) ?? "")
                    }
                }
                #expect(failures == ["{\"left\":1}", "no JSON"])
                #expect(pairs == [Pair(left: 1, right: 2)])
            }
        }
    }

    @Test func `ends the connection at a message that cannot be decoded, if told to`() async throws {
        let events = Events()
        try await Conversation().serve { connection in
            do {
                try await Self.swap(.abortConnection, "JSON")(connection)
            } catch let error as UndecodableMessage {
                events.note("\(error.message.byteCount)")
                #expect(await !connection.isOpen)
                throw error
            }
        } while: { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await connection.send("no JSON")
                _ = try? await connection.nextMessage()
                #expect(try await connection.waitForEnd() != .closedLocally)
            }
        }
        #expect(events.texts == ["7"])
    }

    @Test func `skips a message that cannot be decoded, if told to`() async throws {
        let events = Events()
        let policy = UndecodableMessage.Policy.skip { events.note("\($0)") }
        try await Conversation().serve(Self.swap(policy, "one's own")) { address in
            try await PipeClient.withConnection(to: address) { connection in
                try await connection.send("no pair")
                #expect(try await connection.ask("1/2") == "2/1")
            }
        }
        #expect(events.texts == ["a message of 7 bytes that cannot be decoded: OwnFailure()"])
    }

    @Test func `sends nothing of a value that cannot be encoded`() async throws {
        try await Conversation().serve(Self.swap(.keepConnection, "JSON")) { address in
            try await PipeClient.withConnection(to: address) { connection in
                let channel = PipeChannel<Pair, Double>(connection, codec: .json)
                await #expect(throws: EncodingError.self) { try await channel.send(.nan) }
                #expect(await connection.pendingByteCount == 0)
            }
        }
    }
}
