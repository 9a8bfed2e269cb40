// SPDX-License-Identifier: Apache-2.0

/// The readable parts of a message that is not JSON, or not accepted as JSON: whether it was meant as a request or a
/// reply, and its id. They matter because a request waits even for a reply that cannot be read.
///
/// It looks at the members of the object, or of each object of a batch, and at nothing inside them. Nothing is checked:
/// the text may be nested deeply, cut short, or not UTF-8.
struct MessageSketch {
    private(set) var hasMethod = false
    private(set) var hasOutcome = false
    /// The id, if the message is one object and its id is readable.
    private(set) var id: JSONRPCID?

    private let bytes: ArraySlice<UInt8>
    private let idByteLimit: Int
    private var offset: Int

    init(_ bytes: ArraySlice<UInt8>, idByteLimit: Int) {
        self.bytes = bytes
        self.idByteLimit = idByteLimit
        // Anything before it, such as a byte order mark, is skipped.
        offset = bytes.firstIndex { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") } ?? bytes.endIndex
        read(memberDepth: offset < bytes.endIndex && bytes[offset] == UInt8(ascii: "[") ? 2 : 1)
    }

    private mutating func read(memberDepth: Int) {
        var depth = 0
        var name: ArraySlice<UInt8>?
        while offset < bytes.endIndex {
            switch bytes[offset] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                let string = takeString()
                if depth == memberDepth { name = string }
                continue
            case UInt8(ascii: ":") where depth == memberDepth:
                if let name { take(name, isOfBatch: memberDepth > 1) }
                name = nil
            default: break
            }
            offset += 1
        }
    }

    /// The string that begins here, including its quotes.
    private mutating func takeString() -> ArraySlice<UInt8> {
        let start = offset
        offset += 1
        while offset < bytes.endIndex, bytes[offset] != UInt8(ascii: "\"") {
            offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
        }
        offset = min(offset + 1, bytes.endIndex)
        return bytes[start..<offset]
    }

    private mutating func take(_ name: ArraySlice<UInt8>, isOfBatch: Bool) {
        switch String(decoding: name, as: UTF8.self) {
        case #""method""#: hasMethod = true
        case #""result""#, #""error""#: hasOutcome = true
        case #""id""# where !isOfBatch && id == nil: id = readID()
        default: break
        }
    }

    /// The scalar behind this colon.
    private func readID() -> JSONRPCID? {
        // One byte more than allowed: an id of that length is either not a value, or too long.
        let window = bytes[(offset + 1)...].drop { $0 == 0x20 || $0 == 0x09 }.prefix(idByteLimit + 1)
        var scanner = JSONScanner(window, depthLimit: 1)
        guard let text = try? scanner.value(), text.slice.count <= idByteLimit,
            (try? UTF8Span(validating: text.slice.span)) != nil
        else { return nil }
        return JSONRPCID(text)
    }
}
