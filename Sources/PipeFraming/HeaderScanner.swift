// SPDX-License-Identifier: Apache-2.0

// Reads header fields byte by byte and in order: the first impossible byte is the error, however the bytes arrived.
// Rules that concern two fields (none, or two different lengths) are checked at the header's end, because a scanner
// that began at a later line must see the same.

/// The fields of one header, as ``ContentLengthFraming`` accepts them.
struct HeaderScanner: ~Escapable {
    private let bytes: Span<UInt8>
    private let maximumMessageByteCount: Int
    private var lengths: (first: Int, second: Int)?

    /// The offset of the next byte; beyond the header's end when that has been read.
    private(set) var offset: Int

    /// The offset at which the line of `offset` begins.
    private(set) var lineStart: Int

    /// Starts at the beginning of a line.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, start: Int, maximumMessageByteCount: Int) {
        self.bytes = bytes
        self.maximumMessageByteCount = maximumMessageByteCount
        offset = start
        lineStart = start
    }

    /// Reads up to the blank line; false if the bytes end before it.
    mutating func readLines() throws(FramingError) -> Bool {
        while let byte = peek() {
            if byte == Self.carriageReturn { return try readLineEnd() }
            guard try readField() else { return false }
            lineStart = offset
        }
        return false
    }

    /// The length from the fields, once all were read.
    func contentLength() throws(FramingError) -> Int {
        guard let lengths else { throw .missingContentLength }
        guard lengths.first == lengths.second else { throw .conflictingContentLength(lengths.first, lengths.second) }
        return lengths.first
    }
}

extension HeaderScanner {
    private static var carriageReturn: UInt8 { 0x0D }
    private static var lineFeed: UInt8 { 0x0A }
    private static var colon: UInt8 { 0x3A }

    private func peek() -> UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    private func malformed(_ byte: UInt8) -> FramingError {
        .malformedFrame(offset: offset, byte: byte)
    }

    /// `name: value\r\n`; false if the bytes end before.
    private mutating func readField() throws(FramingError) -> Bool {
        guard let name = try readName() else { return false }
        if bytes.extracting(name).equalsIgnoringCase("content-length") { return try readLengthValue() }
        if bytes.extracting(name).equalsIgnoringCase("content-type") { return try readTypeValue() }
        return try readOtherValue()
    }

    /// One token and its colon.
    private mutating func readName() throws(FramingError) -> Range<Int>? {
        let start = offset
        while let byte = peek() {
            if byte == Self.colon, offset > start {
                offset += 1
                return start..<offset - 1
            }
            guard byte.isTokenByte else { throw malformed(byte) }
            offset += 1
        }
        return nil
    }

    private mutating func readOtherValue() throws(FramingError) -> Bool {
        while let byte = peek(), byte != Self.carriageReturn {
            guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { throw malformed(byte) }
            offset += 1
        }
        return try readLineEnd()
    }

    /// The only other field that changes the meaning of the message: text in another charset would be misread.
    private mutating func readTypeValue() throws(FramingError) -> Bool {
        let start = offset
        guard try readOtherValue() else { return false }
        guard bytes.extracting(start..<offset - 2).isInUTF8 else { throw .unsupportedCharset }
        return true
    }

    private mutating func readLengthValue() throws(FramingError) -> Bool {
        skipBlanks()
        guard let length = try readNumber() else { return false }
        skipBlanks()
        guard try readLineEnd() else { return false }
        // If there are more than two, the second keeps the first length that differs.
        if let known = lengths, known.first != known.second { return true }
        lengths = (lengths?.first ?? length, length)
        return true
    }

    private mutating func readNumber() throws(FramingError) -> Int? {
        var number = 0
        let start = offset
        while let byte = peek() {
            guard (0x30...0x39).contains(byte) else {
                guard offset > start else { throw malformed(byte) }
                return number
            }
            number = number < Int.max / 10 ? number * 10 + Int(byte - 0x30) : Int.max
            guard number <= maximumMessageByteCount else {
                try FramingError.refuse(byteCount: number, limit: maximumMessageByteCount)
            }
            offset += 1
        }
        return nil
    }

    private mutating func skipBlanks() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 { offset += 1 }
    }

    /// `\r\n`, and nothing else may come here; false if the bytes end before.
    private mutating func readLineEnd() throws(FramingError) -> Bool {
        guard try read(Self.carriageReturn) else { return false }
        return try read(Self.lineFeed)
    }

    private mutating func read(_ expected: UInt8) throws(FramingError) -> Bool {
        guard let byte = peek() else { return false }
        guard byte == expected else { throw malformed(byte) }
        offset += 1
        return true
    }
}

extension UInt8 {
    /// `tchar` of RFC 9110, section 5.6.2.
    fileprivate var isTokenByte: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}

extension Span<UInt8> {
    /// Whether a media type has no charset or UTF-8, which LSP also allows to be spelled `utf8`.
    fileprivate var isInUTF8: Bool {
        var start = 0
        for end in 0...count where end == count || self[end] == 0x3B {
            let parameter = extracting(start..<end).trimmed()
            start = end + 1
            guard parameter.count >= 8, parameter.extracting(first: 8).equalsIgnoringCase("charset=") else { continue }
            let value = parameter.extracting(droppingFirst: 8).unquoted()
            guard value.equalsIgnoringCase("utf-8") || value.equalsIgnoringCase("utf8") else { return false }
        }
        return true
    }

    /// Without blanks at either end.
    @_lifetime(copy self)
    private func trimmed() -> Span<UInt8> {
        var range = 0..<count
        while let byte = range.first.map({ self[$0] }), byte == 0x20 || byte == 0x09 { range = range.dropFirst() }
        while let byte = range.last.map({ self[$0] }), byte == 0x20 || byte == 0x09 { range = range.dropLast() }
        return extracting(range)
    }

    @_lifetime(copy self)
    private func unquoted() -> Span<UInt8> {
        guard count >= 2, self[0] == 0x22, self[count - 1] == 0x22 else { return self }
        return extracting(1..<count - 1)
    }

    /// Whether the bytes are equal to `text`, which is in lower case, without regard to the case of ASCII letters.
    fileprivate func equalsIgnoringCase(_ text: String) -> Bool {
        let text = text.utf8.span
        guard count == text.count else { return false }
        for index in indices where self[index] | 0x20 != text[index] { return false }
        return true
    }
}
