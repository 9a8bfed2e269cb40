// SPDX-License-Identifier: Apache-2.0
#if Protobuf
import NamedPipes
import NamedPipesProtobuf
import NamedPipesRPC
import SwiftProtobuf
import Testing

@Suite struct `Protocol Buffers` {
    @Test(.requiresModule("google/protobuf"))
    func `are what Google's own implementation reads and writes`() async throws {
        let address = try PipeAddress.unique(prefix: "protobuf")
        let peer = try ForeignPeer("protobuf_peer.py", ["server", "\(address)"])
        while peer.output != ["listening"], !peer.hasExited { await Task.yield() }
        let configuration = PipeClient.Configuration(framing: VarintFraming())
        try await PipeClient.withConnection(to: address, configuration: configuration) { connection in
            typealias Value = Google_Protobuf_Value
            let channel = PipeChannel<Value, Value>(connection, codec: .protobuf)
            for length in [0, 1, 100, 20_000] {
                let text = Value(stringValue: String(repeating: "é", count: length))
                let value = Value(structValue: ["text": text, "number": 7])
                try await channel.send(value)
                let reply = try await channel.nextMessage()
                #expect(reply?.listValue.values == [value, value])
            }
            await connection.finishSending()
            #expect(try await channel.nextMessage() == nil)
        }
        while !peer.hasExited { await Task.yield() }
        peer.expectSuccess(printing: "listening", "ok 4 requests")
    }
}
#endif
