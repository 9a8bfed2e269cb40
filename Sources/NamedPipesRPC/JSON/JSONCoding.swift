// SPDX-License-Identifier: Apache-2.0
public import FoundationEssentials

/// The conversion of values to JSON and back: an encoder and a decoder of Foundation.
///
/// ```swift
/// let decoder = JSONDecoder()
/// decoder.dateDecodingStrategy = .iso8601
/// configuration.coding = JSONCoding(decoder: decoder)
/// ```
public struct JSONCoding: Sendable {
    /// Writes values. Must not be changed afterwards: connections on several threads may be using it.
    public let encoder: JSONEncoder

    /// Reads values. Must not be changed afterwards.
    public let decoder: JSONDecoder

    /// Creates a coding; by default with an encoder that sorts the members of objects, so that equal values have equal
    /// text, and does not escape slashes, and with a plain decoder.
    public init(encoder: JSONEncoder? = nil, decoder: JSONDecoder = JSONDecoder()) {
        self.encoder = encoder ?? Self.plainEncoder()
        self.decoder = decoder
    }

    private static func plainEncoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    func encode(_ value: some Encodable) throws -> JSONText {
        JSONText(unchecked: Array(try encoder.encode(value))[...])
    }

    /// Reads a value; lone surrogates in its strings become U+FFFD.
    func decode<Value: Decodable>(_ type: Value.Type, from text: JSONText) throws -> Value {
        try decode(type, fromBytes: Array(text.slice))
    }

    func decode<Value: Decodable>(_ type: Value.Type, fromBytes bytes: [UInt8]) throws -> Value {
        var bytes = bytes
        bytes.replaceHalfPairs()
        return try decoder.decode(type, from: Data(bytes))
    }
}
