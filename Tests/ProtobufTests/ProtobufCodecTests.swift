// SPDX-License-Identifier: Apache-2.0
#if Protobuf
import NamedPipes
import NamedPipesProtobuf
import NamedPipesRPC
import SwiftProtobuf
import Testing

@Suite struct `A codec of Protocol Buffers` {
    typealias Value = Google_Protobuf_Value
    typealias Codec = MessageCodec<Value, Value>

    /// One of each kind of JSON value.
    static let sample = Value(
        structValue: Google_Protobuf_Struct(fields: [
            "nothing": nil, "number": 4.5, "text": "naïve", "yes": true,
            "list": Value(listValue: [1, "two", Value(listValue: [3])]),
        ]))

    @Test func `writes the bytes of the specification, and reads them`() throws {
        let codec = MessageCodec<Google_Protobuf_Timestamp, Google_Protobuf_Timestamp>.protobuf
        let time = Google_Protobuf_Timestamp(seconds: 150, nanos: 1)
        // Field 1 as a varint, 150 as in the encoding guide; field 2.
        let bytes: [UInt8] = [0x08, 0x96, 0x01, 0x10, 0x01]
        #expect(try codec.encode(time) == bytes)
        #expect(try codec.decode(PipeMessage(copying: bytes)) == time)
        #expect(try codec.encode(Google_Protobuf_Timestamp()) == [])
        #expect(try codec.decode(PipeMessage(copying: [])) == Google_Protobuf_Timestamp())
    }

    @Test(arguments: ["binary", "JSON"]) func `decodes to the value that was encoded`(form: String) throws {
        let codec: Codec = form == "JSON" ? .protobufJSON : .protobuf
        #expect(try codec.decode(PipeMessage(copying: codec.encode(Self.sample))) == Self.sample)
    }

    @Test func `refuses bytes that are no such message`() throws {
        for bytes: [UInt8] in [[0x08], [0x0A, 0x05, 1], [0xFF, 0xFF, 0xFF]] {
            #expect(throws: BinaryDecodingError.self) {
                try Codec.protobuf.decode(PipeMessage(copying: bytes))
            }
        }
        #expect(throws: JSONDecodingError.self) {
            try Codec.protobufJSON.decode(PipeMessage(copying: Array("{".utf8)))
        }
    }

    /// A few bytes for each level of nesting: the sender must not decide how deep our stack gets.
    @Test func `refuses to nest deeper than allowed`() throws {
        var value = Value(numberValue: 1)
        for _ in 0..<60 { value = Value(listValue: [value]) }
        let bytes = PipeMessage(copying: try Codec.protobuf.encode(value))
        #expect(throws: BinaryDecodingError.messageDepthLimit) { try Codec.protobuf.decode(bytes) }
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 1000
        #expect(try Codec.protobuf(decoding: options).decode(bytes) == value)
    }

    @Test func `carries messages over a connection, behind varint lengths`() async throws {
        let address = try PipeAddress.unique(prefix: "protobuf")
        let (listening, announce) = AsyncStream.makeStream(of: Void.self)
        let server = Task {
            try await PipeServer.serve(
                at: address, configuration: PipeServer.Configuration(framing: VarintFraming()),
                onEvent: { _, event in if case .listening = event { announce.yield() } }
            ) { connection in
                let channel = PipeChannel<Value, Value>(connection, codec: .protobuf)
                for try await value in channel.messages {
                    try await channel.send(Value(listValue: [value, value]))
                }
            }
        }
        for await _ in listening { break }
        let configuration = PipeClient.Configuration(framing: VarintFraming())
        try await PipeClient.withConnection(to: address, configuration: configuration) { connection in
            let channel = PipeChannel<Value, Value>(connection, codec: .protobuf)
            for _ in 0..<100 { try await channel.send(Self.sample) }
            for _ in 0..<100 { #expect(try await channel.nextMessage()?.listValue == [Self.sample, Self.sample]) }
        }
        server.cancel()
        _ = await server.result
    }
}
#endif
