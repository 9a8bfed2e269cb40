// SPDX-License-Identifier: Apache-2.0

/// A JSON value as it is written (RFC 8259): for what has no type of its own yet.
public struct JSONText: Hashable, Sendable {
    let slice: ArraySlice<UInt8>

    /// Takes a JSON value that was written elsewhere.
    ///
    /// - Parameters:
    ///   - bytes: the value, in UTF-8.
    ///   - depthLimit: how deeply arrays and objects may lie in each other, 1 to 512. The default is 100.
    /// - Throws: ``JSONSyntaxError``.
    public init(_ bytes: [UInt8], depthLimit: Int = 100) throws(JSONSyntaxError) {
        try JSONScanner.check(bytes[...], depthLimit: depthLimit)
        slice = bytes[...]
    }

    /// Takes a JSON value that was written elsewhere.
    public init(_ text: String) throws(JSONSyntaxError) { try self.init(Array(text.utf8)) }

    /// Writes a value.
    ///
    /// - Throws: what the encoder throws, an `EncodingError`.
    public init(encoding value: some Encodable, coding: JSONCoding = JSONCoding()) throws {
        self = try coding.encode(value)
    }

    init(unchecked slice: ArraySlice<UInt8>) { self.slice = slice }

    /// The value as UTF-8.
    public var bytes: [UInt8] { Array(slice) }

    /// Reads the value.
    ///
    /// - Throws: what the decoder throws, a `DecodingError`.
    public func decode<Value: Decodable>(as type: Value.Type, coding: JSONCoding = JSONCoding()) throws -> Value {
        try coding.decode(type, from: self)
    }

    static let null = JSONText(unchecked: Array("null".utf8)[...])

    /// Whether it is an object or an array.
    var isStructured: Bool { slice.first == UInt8(ascii: "{") || slice.first == UInt8(ascii: "[") }
}

extension JSONText: CustomStringConvertible {
    /// The value as it is written.
    public var description: String { String(decoding: slice, as: UTF8.self) }
}
