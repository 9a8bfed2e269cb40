// SPDX-License-Identifier: Apache-2.0

/// Scans JSON text (RFC 8259) for the positions of values, without building any of them. So hostile text costs only the
/// time to read it, and the contents are decoded once, into the wanted type.
struct JSONScanner {
    private let bytes: ArraySlice<UInt8>
    private let depthLimit: Int
    private var offset: Int
    private var depth = 0

    init(_ bytes: ArraySlice<UInt8>, depthLimit: Int) {
        // Foundation's decoder itself stops at 512; and the scan recurses.
        precondition((1...512).contains(depthLimit), "JSON depth limit \(depthLimit)")
        self.bytes = bytes
        self.depthLimit = depthLimit
        offset = bytes.startIndex
    }

    /// Checks that the bytes are one value and nothing else.
    ///
    /// - Returns: the value, without white space around it.
    @discardableResult
    static func check(_ bytes: ArraySlice<UInt8>, depthLimit: Int) throws(JSONSyntaxError) -> JSONText {
        guard (try? UTF8Span(validating: bytes.span)) != nil else { throw .notUTF8 }
        var scanner = JSONScanner(bytes, depthLimit: depthLimit)
        let value = try scanner.value()
        guard scanner.peek() == nil else { throw scanner.unexpected() }
        return value
    }

    /// The next byte that is not white space.
    mutating func peek() -> UInt8? {
        while offset < bytes.endIndex {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Calls a function with each member of the object that begins here: its name with quotes, and its value.
    mutating func members(_ visit: (JSONText, JSONText) -> Void) throws(JSONSyntaxError) {
        try list(from: "{", to: "}") { scanner throws(JSONSyntaxError) in
            guard scanner.peek() == UInt8(ascii: "\"") else { throw scanner.unexpected() }
            let name = try scanner.value()
            try scanner.take(":")
            visit(name, try scanner.value())
        }
    }

    /// Calls a function with each element of the array that begins here.
    mutating func elements(_ visit: (JSONText) -> Void) throws(JSONSyntaxError) {
        try list(from: "[", to: "]") { scanner throws(JSONSyntaxError) in visit(try scanner.value()) }
    }

    /// Scans the value that begins here.
    mutating func value() throws(JSONSyntaxError) -> JSONText {
        let first = peek()
        let start = offset
        switch first {
        case UInt8(ascii: "{"): try members { _, _ in }
        case UInt8(ascii: "["): try elements { _ in }
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
        return JSONText(unchecked: bytes[start..<offset])
    }

    private mutating func list(
        from open: Unicode.Scalar, to close: Unicode.Scalar,
        _ item: (inout JSONScanner) throws(JSONSyntaxError) -> Void
    ) throws(JSONSyntaxError) {
        try take(open)
        depth += 1
        guard depth <= depthLimit else { throw .tooDeep(limit: depthLimit) }
        if peek() != UInt8(ascii: close) {
            try item(&self)
            while peek() == UInt8(ascii: ",") {
                offset += 1
                try item(&self)
            }
        }
        try take(close)
        depth -= 1
    }

    private mutating func string() throws(JSONSyntaxError) {
        offset += 1
        while true {
            switch try next() {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\\"): try escape()
            case ..<0x20: throw unexpected(before: 1)
            default: break
            }
        }
    }

    private mutating func escape() throws(JSONSyntaxError) {
        let letter = try next()
        if letter == UInt8(ascii: "u") {
            for _ in 0..<4 {
                guard Unicode.Scalar(try next()).properties.isASCIIHexDigit else { throw unexpected(before: 1) }
            }
        } else if !"\"\\/bfnrt".utf8.contains(letter) {
            throw unexpected(before: 1)
        }
    }

    private mutating func number() throws(JSONSyntaxError) {
        skip("-")
        if !skip("0") { try digits() }
        if skip(".") { try digits() }
        if skip("e") || skip("E") {
            if !skip("+") { skip("-") }
            try digits()
        }
    }

    private mutating func digits() throws(JSONSyntaxError) {
        let start = offset
        while offset < bytes.endIndex, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
        guard offset > start else { throw unexpected() }
    }

    private mutating func word(_ word: String) throws(JSONSyntaxError) {
        for byte in word.utf8 {
            guard try next() == byte else { throw unexpected(before: 1) }
        }
    }

    private mutating func take(_ mark: Unicode.Scalar) throws(JSONSyntaxError) {
        guard peek() == UInt8(ascii: mark) else { throw unexpected() }
        offset += 1
    }

    @discardableResult
    private mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard offset < bytes.endIndex, bytes[offset] == UInt8(ascii: mark) else { return false }
        offset += 1
        return true
    }

    private mutating func next() throws(JSONSyntaxError) -> UInt8 {
        guard offset < bytes.endIndex else { throw .unexpectedEnd }
        offset += 1
        return bytes[offset - 1]
    }

    /// The problem at this offset, or a few bytes before.
    private func unexpected(before count: Int = 0) -> JSONSyntaxError {
        let place = offset - count
        return place < bytes.endIndex ? .unexpectedByte(offset: place - bytes.startIndex) : .unexpectedEnd
    }
}
