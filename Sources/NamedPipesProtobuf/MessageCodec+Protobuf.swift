// SPDX-License-Identifier: Apache-2.0
#if Protobuf
internal import NamedPipes
public import NamedPipesRPC
public import SwiftProtobuf

extension MessageCodec where Incoming: SwiftProtobuf.Message, Outgoing: SwiftProtobuf.Message {
    /// Protocol Buffers in their binary form, as SwiftProtobuf writes and reads it by default.
    public static var protobuf: Self { protobuf() }

    /// Protocol Buffers in their binary form.
    ///
    /// One message of the connection is one message of the schema. With `VarintFraming`, this is the format of Java's
    /// `writeDelimitedTo`, C++'s `SerializeDelimitedToZeroCopyStream` and Go's `protodelim`.
    ///
    /// A message that lacks a field that proto2 requires is neither sent nor accepted.
    ///
    /// - Parameters:
    ///   - extensions: the extensions that received messages may contain. The default is nil: they are kept as unknown
    ///     fields.
    ///   - decoding: SwiftProtobuf's limits for received messages. The default nests 100 messages deep and keeps
    ///     unknown fields.
    ///   - encoding: the options for writing. By default, maps are in no particular order.
    public static func protobuf(
        extensions: (any ExtensionMap)? = nil, decoding: BinaryDecodingOptions = BinaryDecodingOptions(),
        encoding: BinaryEncodingOptions = BinaryEncodingOptions()
    ) -> Self {
        Self(
            decode: { message in
                try message.withBytes {
                    try unsafe Incoming(serializedBytes: $0.bytes, extensions: extensions, options: decoding)
                }
            },
            encode: { try $0.serializedBytes(options: encoding) })
    }

    /// The JSON form of Protocol Buffers (ProtoJSON), as SwiftProtobuf writes and reads it by default.
    public static var protobufJSON: Self { protobufJSON() }

    /// The JSON form of Protocol Buffers (ProtoJSON): for people and programs without the schema.
    ///
    /// - Parameters:
    ///   - extensions: the extensions that received messages may contain. The default is nil.
    ///   - decoding: SwiftProtobuf's limits for received messages. The default refuses unknown fields.
    ///   - encoding: the options for writing. By default, as the specification says.
    public static func protobufJSON(
        extensions: (any ExtensionMap)? = nil, decoding: JSONDecodingOptions = JSONDecodingOptions(),
        encoding: JSONEncodingOptions = JSONEncodingOptions()
    ) -> Self {
        Self(
            decode: { message in
                let text = message.withBytes { bytes in unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) } }
                return try Incoming(jsonUTF8Bytes: text, extensions: extensions, options: decoding)
            },
            encode: { try $0.jsonUTF8Bytes(options: encoding) })
    }
}
#endif
