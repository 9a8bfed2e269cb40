// SPDX-License-Identifier: Apache-2.0
import GRPCCore

/// What a generator would write for `rpc Echo`, except that messages are text, without Protocol Buffers around it.
enum EchoMethod {
    static let descriptor = MethodDescriptor(fullyQualifiedService: "echo.Echo", method: "Echo")
}

struct TextSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: String) throws -> Bytes { Bytes(message.utf8) }
}

struct TextDeserializer: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) throws -> String {
        unsafe serializedMessageBytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
