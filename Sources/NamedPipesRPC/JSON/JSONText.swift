// SPDX-License-Identifier: Apache-2.0

/// A JSON value in its written form (RFC 8259), for values that have no type of their own yet.
public struct JSONText: Hashable, Sendable {
    let slice: ArraySlice<UInt8>

    /// Takes a JSON value from elsewhere.
    ///
    /// - Parameters:
    ///   - bytes: the value, in UTF-8.
    ///   - depthLimit: how deeply arrays and objects may be nested, 1 to 512. The default is 100.
    /// - Throws: ``JSONSyntaxError``.
    public init(_ bytes: [UInt8], depthLimit: Int = 100) throws(JSONSyntaxError) {
        try JSONScanner.check(bytes[...], depthLimit: depthLimit)
        slice = bytes[...]
    }

    /// Takes a JSON value from elsewhere.
    public init(_ text: String) throws(JSONSyntaxError) { try self.init(Array(text.utf8)) }

    /// Encodes a value.
    ///
    /// - Throws: the encoder's error, an `EncodingError`.
    public init(encoding value: some Encodable, coding: JSONCoding = JSONCoding()) throws {
        self = try coding.encode(value)
    }

    init(unchecked slice: ArraySlice<UInt8>) { self.slice = slice }

    /// The value as UTF-8.
    public var bytes: [UInt8] { Array(slice) }

    /// Decodes the value.
    ///
    /// - Throws: the decoder's error, a `DecodingError`.
    public func decode<Value: Decodable>(as type: Value.Type, coding: JSONCoding = JSONCoding()) throws -> Value {
        try coding.decode(type, from: self)
    }

    package static let null = JSONText(unchecked: Array("null".utf8)[...])

    /// Whether it is an object or an array.
    var isStructured: Bool { slice.first == UInt8(ascii: "{") || slice.first == UInt8(ascii: "[") }
}

extension JSONText: CustomStringConvertible {
    /// The value as it is written.
    public var description: String { String(decoding: slice, as: UTF8.self) }
}
