// SPDX-License-Identifier: Apache-2.0

/// What stands where a frame should begin, if the bytes of the header show it: another protocol, or a length in the
/// other byte order. Part of a ``FramingError``.
///
/// It is computed from the header's bytes alone, when a framing refuses them, and never decides whether it does. A
/// length in the other byte order is a possibility only: the same bytes can be the length of a very large message.
public struct ForeignHeader: Hashable, Sendable {
    /// The protocol, or the way of writing lengths, that begins like this.
    @nonexhaustive
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// Printable ASCII characters, blanks and line ends: lines, for instance.
        case text
        /// A method of HTTP, or the beginning of an HTTP reply (RFC 9112).
        case http
        /// The beginning of a JSON object or array (RFC 8259).
        case json
        /// `Cont`, with which `Content-Length` begins: see ``ContentLengthFraming``.
        case contentLength
        /// A handshake record of TLS: 16 03 (RFC 8446, section 5.1).
        case tls
        /// The PROXY protocol of HAProxy, version 1 or 2.
        case proxyProtocol
        /// A length that the limit admits if its bytes are read in reverse order.
        case otherByteOrder
    }

    /// What the bytes look like.
    public let kind: Kind

    // In the order of the stream, the first byte most significant; at most eight. In two words, so that an error stays
    // within the registers in which functions return it.
    private let word: UInt64
    private let byteCount: UInt8
    private let isBigEndian: Bool

    private init(_ kind: Kind, _ header: Span<UInt8>, isBigEndian: Bool = true) {
        self.kind = kind
        self.isBigEndian = isBigEndian
        word = header.bigEndianNumber
        byteCount = UInt8(header.count)
    }

    /// The bytes of the header, in the order in which they arrived; at most eight.
    public var bytes: [UInt8] {
        (0..<UInt64(byteCount)).reversed().map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    /// The length in bytes that the header announces in the other byte order; nil for another ``kind-swift.property``.
    public var otherByteCount: Int? { kind == .otherByteOrder ? Int(otherNumber) : nil }

    private var otherNumber: UInt64 { isBigEndian ? word.byteSwapped >> (64 - 8 * UInt64(byteCount)) : word }
}

extension ForeignHeader {
    /// Examines the bytes of a length that was refused.
    ///
    /// - Parameters:
    ///   - length: the bytes, in the order of the stream; at most eight. Fewer than four are evidence of nothing but
    ///     the other byte order.
    ///   - limit: the largest length.
    ///   - isBigEndian: whether the framing reads the most significant byte first.
    /// - Returns: nil if they look like nothing but a length.
    init?(length: Span<UInt8>, limit: Int, isBigEndian: Bool) {
        if length.count >= 4, let kind = Kind(beginningWith: length) {
            self.init(kind, length)
        } else {
            self.init(.otherByteOrder, length, isBigEndian: isBigEndian)
            guard length.count > 1, otherNumber <= UInt64(limit) else { return nil }
        }
    }

    /// Examines the first byte of a frame, which cannot stand there.
    init?(firstByte: UInt8) {
        let kind: Kind
        switch firstByte {
        case 0x16: kind = .tls
        case 0x5B, 0x7B: kind = .json
        default: return nil
        }
        self.init(kind, [firstByte].span)
    }
}

extension ForeignHeader.Kind {
    private static let methods = ["GET ", "PUT ", "POST", "HEAD", "DELE", "OPTI", "PATC", "PRI ", "HTTP"]
    private static let jsonBeginnings = ["{\"", "{ ", "{\n", "{\r", "{}", "[{", "[\"", "[[", "[]"]

    /// The protocol of these bytes, of which there are at least four.
    fileprivate init?(beginningWith bytes: Span<UInt8>) {
        if bytes.begins(with: "\r\n\r\n") || bytes.begins(with: "PROX") {
            self = .proxyProtocol
        } else if bytes[0] == 0x16, bytes[1] == 0x03 {
            self = .tls
        } else if !bytes.isPrintable {
            return nil
        } else if Self.methods.contains(where: { bytes.begins(with: $0) }) {
            self = .http
        } else if Self.jsonBeginnings.contains(where: { bytes.begins(with: $0) }) {
            self = .json
        } else if bytes.begins(with: "Cont") || bytes.begins(with: "cont") {
            self = .contentLength
        } else {
            self = .text
        }
    }
}

extension Span<UInt8> {
    /// Of at most eight bytes.
    fileprivate var bigEndianNumber: UInt64 {
        var number: UInt64 = 0
        for index in indices { number = number << 8 | UInt64(self[index]) }
        return number
    }

    fileprivate var isPrintable: Bool {
        for index in indices {
            switch self[index] {
            case 0x20...0x7E, 0x09, 0x0A, 0x0D: continue
            default: return false
            }
        }
        return true
    }

    fileprivate func begins(with text: String) -> Bool {
        let text = text.utf8.span
        guard count >= text.count else { return false }
        for index in text.indices where self[index] != text[index] { return false }
        return true
    }
}

extension ForeignHeader: CustomStringConvertible {
    /// What the bytes are, to be read after the error: `the text "GET ", as in HTTP`. Contains no control characters.
    public var description: String {
        switch kind {
        case .text: "the text \(quoted)"
        case .http: "the text \(quoted), as in HTTP"
        case .json: "the text \(quoted), as in JSON"
        case .contentLength: "the text \(quoted), as in a Content-Length header"
        case .tls: "\(hexadecimal), as in TLS"
        case .proxyProtocol: "\(hexadecimal), as in the PROXY protocol"
        case .otherByteOrder: "in the other byte order, the length is \(otherNumber)"
        }
    }

    private var quoted: String { String(decoding: bytes, as: UTF8.self).debugDescription }

    private var hexadecimal: String {
        bytes.map(hexadecimalDigits).joined(separator: " ")
    }
}
