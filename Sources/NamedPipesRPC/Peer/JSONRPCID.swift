// SPDX-License-Identifier: Apache-2.0

/// The identifier of a request or of a stream of progress: a number, a string or null, chosen by the end that begins
/// it. This end's own requests have numbers.
public enum JSONRPCID: Hashable, Sendable {
    /// A whole number.
    case number(Int64)

    /// Any other number, as it was written: with a fraction, an exponent, or beyond 64 bits.
    case otherNumber(JSONText)

    /// A string.
    case string(String)

    /// Null: the id of an answer to a request whose id could not be read. Requests should not use it.
    case null

    /// Nil if the value is none of these.
    init?(_ text: JSONText) {
        switch text.slice.first ?? 0 {
        case UInt8(ascii: "n"): self = .null
        case UInt8(ascii: "\""):
            guard let string = text.string else { return nil }
            self = .string(string)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            self = Int64(text.description).map(JSONRPCID.number) ?? .otherNumber(text)
        default: return nil
        }
    }

    /// The key for comparing ids: numbers are equal if their values are, however each end writes them.
    var canonical: JSONRPCID {
        guard case .otherNumber(let text) = self, let number = JSONNumber(text) else { return self }
        return number.wholeNumber.map(JSONRPCID.number) ?? .otherNumber(number.text)
    }

    /// The number of this end's request that a reply with this id answers. Requests of this end have whole numbers;
    /// other ends return them as `1.0`, and some as `"1"`.
    var requestNumber: Int64? {
        switch canonical {
        case .number(let number): number
        case .string(let string): Int64(string).flatMap { String($0) == string ? $0 : nil }
        case .otherNumber, .null: nil
        }
    }

    var text: JSONText {
        switch self {
        case .number(let number): JSONText(unchecked: Array(String(number).utf8)[...])
        case .otherNumber(let text): text
        case .string(let string): JSONText(quoting: string)
        case .null: .null
        }
    }
}

extension JSONRPCID: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .number(value) }

    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
}

extension JSONRPCID: Codable {
    /// Reads a whole number, a string or null.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let number = try? container.decode(Int64.self) {
            self = .number(number)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    /// Writes the id. An ``otherNumber(_:)`` becomes a floating-point number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let number): try container.encode(number)
        case .otherNumber(let text): try container.encode(try text.decode(as: Double.self))
        case .string(let string): try container.encode(string)
        case .null: try container.encodeNil()
        }
    }
}

extension JSONRPCID: CustomStringConvertible {
    /// The id as on the wire.
    public var description: String { text.description }
}

/// The id of the other end's request, together with its written form, which is sent back. So an end that compares
/// texts, or strings that are not Unicode, recognises its own.
struct WrittenID: Sendable {
    let id: JSONRPCID
    let text: JSONText

    static let null = WrittenID(id: .null, text: .null)
}
