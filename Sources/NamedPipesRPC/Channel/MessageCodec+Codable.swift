// SPDX-License-Identifier: Apache-2.0
public import FoundationEssentials
internal import NamedPipes

extension MessageCodec where Incoming: Decodable, Outgoing: Encodable {
    /// JSON (RFC 8259), as Foundation's coders write and read it by default. A lone surrogate in a string, as
    /// JavaScript may write it, is read as U+FFFD.
    public static var json: Self { json(JSONCoding()) }

    /// JSON, with your own encoder and decoder, for other formats of dates, keys and numbers.
    public static func json(_ coding: JSONCoding) -> Self {
        Self(
            decode: { try coding.decode(Incoming.self, fromBytes: Array(copying: $0)) },
            encode: { Array(try coding.encoder.encode($0)) })
    }

    /// Apple's property lists in their binary form; the XML form is read as well.
    public static var propertyList: Self {
        let encoder = PropertyListEncoder()
        encoder.outputFormat = .binary
        return propertyList(encoder: encoder, decoder: PropertyListDecoder())
    }

    /// Property lists, with your own encoder and decoder: for the XML form, `outputFormat` is `.xml`.
    ///
    /// - Parameters:
    ///   - encoder: must not be changed afterwards.
    ///   - decoder: must not be changed afterwards.
    public static func propertyList(encoder: PropertyListEncoder, decoder: PropertyListDecoder) -> Self {
        Self(
            decode: { try decoder.decode(Incoming.self, from: Data(copying: $0)) },
            encode: { Array(try encoder.encode($0)) })
    }
}

extension [UInt8] {
    init(copying message: PipeMessage) {
        self = message.withBytes { bytes in unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) } }
    }
}

extension Data {
    init(copying message: PipeMessage) {
        self = message.withBytes { bytes in unsafe bytes.withUnsafeBufferPointer { unsafe Data(buffer: $0) } }
    }
}
