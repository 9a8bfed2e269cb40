// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// What some bytes are as the beginning of a request.
enum RequestScan: Equatable {
    /// A whole command. If it is an array, its strings were reported; a line is for ``InlineCommand``.
    case complete(byteCount: Int)
    case incomplete(byteCount: Int?, ScanPlace)
    /// Not a command, whatever follows; the last of these bytes shows it.
    case malformed(ProtocolError, byteCount: Int)

    /// Redis' own limits.
    static let largestArrayCount = 1 << 20
    static let longestLine = 64 << 10

    /// The largest command in bytes. It is a constant, not a parameter: the framing and the database scan the same
    /// bytes, and two limits would be two parsers.
    static let largestRequest = 64 << 20

    /// Examines a request from `place` on. The result depends on the bytes alone, so that all callers get the same
    /// answer about a request.
    ///
    /// - Parameter argument: receives the range of each string of an array from `place` on.
    @inline(__always)
    static func scan(
        _ bytes: Span<UInt8>, from place: ScanPlace = ScanPlace(), argument: (Range<Int>) -> Void
    ) -> RequestScan {
        guard !bytes.isEmpty else { return .incomplete(byteCount: nil, place) }
        guard bytes[0] == UInt8(ascii: "*") else { return scanLine(bytes, from: place.offset) }
        var place = place
        if place.missingCount == 0 {
            switch bytes.number(at: 1, in: -Int.max...largestArrayCount) {
            case .missing: return .incomplete(byteCount: nil, ScanPlace())
            case .invalid(let offset): return .malformed(.invalidArrayCount, byteCount: offset + 1)
            case .number(let count, let end): place = ScanPlace(offset: end, missingCount: max(0, count))
            }
        }
        while place.missingCount > 0 {
            guard place.offset < bytes.count else { return .incomplete(byteCount: nil, place) }
            guard bytes[place.offset] == UInt8(ascii: "$") else {
                return .malformed(.notABulkString(bytes[place.offset]), byteCount: place.offset + 1)
            }
            switch bytes.number(at: place.offset + 1, in: 0...largestRequest) {
            case .missing: return .incomplete(byteCount: nil, place)
            case .invalid(let offset): return .malformed(.invalidBulkLength, byteCount: offset + 1)
            case .number(let count, let start):
                let end = start + count + 2
                guard end <= largestRequest else { return .malformed(.invalidBulkLength, byteCount: start) }
                guard end <= bytes.count else {
                    return .incomplete(byteCount: place.missingCount == 1 ? end : nil, place)
                }
                argument(start..<start + count)
                place = ScanPlace(offset: end, missingCount: place.missingCount - 1)
            }
        }
        return .complete(byteCount: place.offset)
    }

    private static func scanLine(_ bytes: Span<UInt8>, from offset: Int) -> RequestScan {
        let window = bytes.extracting(first: longestLine)
        for offset in offset..<window.count where window[offset] == UInt8(ascii: "\n") {
            return .complete(byteCount: offset + 1)
        }
        guard window.count < longestLine else { return .malformed(.lineTooLong, byteCount: longestLine) }
        return .incomplete(byteCount: nil, ScanPlace(offset: window.count))
    }
}

/// The reason why bytes are not a request, in the words of Redis.
enum ProtocolError: Error, Equatable {
    case invalidArrayCount
    case invalidBulkLength
    case notABulkString(UInt8)
    case lineTooLong
    case unbalancedQuotes
    /// The framing has delivered an incomplete command: its own mistake, not the peer's.
    case cutShort

    var text: String {
        switch self {
        case .invalidArrayCount: "invalid multibulk length"
        case .invalidBulkLength: "invalid bulk length"
        case .notABulkString(let byte): "expected '$', got '\(printable(byte))'"
        case .lineTooLong: "too big inline request"
        case .unbalancedQuotes: "unbalanced quotes in request"
        case .cutShort: "request cut short"
        }
    }
}

/// A byte of a client's text, for an answer of one line.
func printable(_ byte: UInt8) -> Character {
    (0x20..<0x7F).contains(byte) ? Character(UnicodeScalar(byte)) : " "
}

extension Span<UInt8> {
    fileprivate enum Number {
        case missing
        case invalid(offset: Int)
        case number(Int, end: Int)
    }

    /// The decimal number and its line end that begin there, in Redis' canonical form: no plus sign, no zero in front
    /// of another digit, and no negative zero.
    @inline(__always)
    fileprivate func number(at start: Int, in allowed: ClosedRange<Int>) -> Number {
        var offset = start
        guard offset < count else { return .missing }
        let isNegative = allowed.lowerBound < 0 && self[offset] == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        let firstDigit = offset
        let largest = isNegative ? -allowed.lowerBound : allowed.upperBound
        var value = 0
        while offset < count, self[offset] != UInt8(ascii: "\r") {
            let digit = self[offset] &- UInt8(ascii: "0")
            let isPadded = value == 0 && (isNegative ? digit == 0 : offset > firstDigit)
            guard digit < 10, !isPadded, value <= (largest - Int(digit)) / 10 else { return .invalid(offset: offset) }
            value = value * 10 + Int(digit)
            offset += 1
        }
        guard offset < count else { return .missing }
        guard offset > firstDigit else { return .invalid(offset: offset) }
        guard offset + 1 < count else { return .missing }
        guard self[offset + 1] == UInt8(ascii: "\n") else { return .invalid(offset: offset + 1) }
        return .number(isNegative ? -value : value, end: offset + 2)
    }
}
