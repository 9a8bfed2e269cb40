// SPDX-License-Identifier: Apache-2.0

/// A delimiter behind each message: lines of text, NUL-terminated JSON.
///
/// ```
/// 68 69 0A                  "hi" and a newline
/// 0A                        an empty message
/// ```
///
/// ``newline`` is JSON Lines and most line protocols, ``nul`` is what varlink speaks, ``formFeed`` node-ipc. The
/// message is handed out exactly as it stood before the delimiter: a line that came with `\r\n` keeps its carriage
/// return under ``newline``; give `[0x0D, 0x0A]` as delimiter where lines must end so.
///
/// A message cannot contain the delimiter, nor end so that the two together contain it early (`a` before `aa`): such a
/// message is ``FramingError/containsDelimiter(offset:)`` when sent. Binary data wants ``LengthPrefixFraming``.
///
/// A message is refused when maximum and delimiter would have room for one and no delimiter is there; no more than that
/// is ever waited for. Every byte is searched once, however the stream is cut.
public struct DelimiterFraming: MessageFraming, Hashable {
    /// The bytes behind each message; 1 to 255 of them.
    public let delimiter: [UInt8]

    /// The largest message in bytes, the delimiter not included.
    public let maximumMessageByteCount: Int

    /// The default limit: 1 MiB. A line that long is usually a peer that speaks something else.
    public static var defaultMaximumMessageByteCount: Int { 1 << 20 }

    /// Messages that end with a line feed (`\n`, 0x0A).
    public static var newline: DelimiterFraming { DelimiterFraming([0x0A]) }

    /// Messages that end with a NUL byte (0x00), as in varlink.
    public static var nul: DelimiterFraming { DelimiterFraming([0x00]) }

    /// Messages that end with a form feed (`\f`, 0x0C), as in node-ipc.
    public static var formFeed: DelimiterFraming { DelimiterFraming([0x0C]) }

    /// Makes a framing.
    ///
    /// - Parameters:
    ///   - delimiter: the bytes behind each message. None, or more than 255, are a programmer error.
    ///   - maximumMessageByteCount: the largest message in bytes, both ways. The default is 1 MiB; a negative number
    ///     is a programmer error.
    public init(
        _ delimiter: [UInt8],
        maximumMessageByteCount: Int = DelimiterFraming.defaultMaximumMessageByteCount
    ) {
        precondition((1...255).contains(delimiter.count), "a delimiter has 1 to 255 bytes, not \(delimiter.count)")
        self.delimiter = delimiter
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount)
    }

    /// Searches the delimiter from `scannedByteCount` on. The size of an unfinished frame is never known.
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        // Never further than an allowed frame reaches, so that the verdict does not depend on what came along with it.
        let window = bytes.extracting(first: maximumMessageByteCount + delimiter.count)
        if let offset = window.firstOffset(of: delimiter, from: scannedByteCount) {
            return .frame(message: 0..<offset, byteCount: offset + delimiter.count)
        }
        guard window.count < maximumMessageByteCount + delimiter.count else {
            try FramingError.refuse(byteCount: maximumMessageByteCount + 1, limit: maximumMessageByteCount)
        }
        // The last bytes may be the beginning of a delimiter.
        let scanned = max(scannedByteCount, bytes.count - (delimiter.count - 1))
        return .incomplete(frameByteCount: nil, scannedByteCount: scanned)
    }

    /// Appends the message and the delimiter.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:)``, ``FramingError/containsDelimiter(offset:)``.
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        try check(message)
        output.append(contentsOf: message)
        output.append(contentsOf: delimiter.span)
    }

    /// Appends the delimiter: all of it is suffix.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        try check(message)
        output.append(contentsOf: delimiter.span)
        return FrameEnvelope(suffixByteCount: delimiter.count)
    }

    private func check(_ message: Span<UInt8>) throws(FramingError) {
        guard message.count <= maximumMessageByteCount else {
            try FramingError.refuse(byteCount: message.count, limit: maximumMessageByteCount)
        }
        if let offset = earlyDelimiter(in: message) { throw .containsDelimiter(offset: offset) }
    }

    /// Where, in `message` with the delimiter behind it, a delimiter begins before the message's end.
    private func earlyDelimiter(in message: Span<UInt8>) -> Int? {
        if let offset = message.firstOffset(of: delimiter, from: 0) { return offset }
        for offset in max(0, message.count - delimiter.count + 1)..<message.count {
            if isDelimiter(message.extracting(last: message.count - offset)) { return offset }
        }
        return nil
    }

    /// Whether `tail`, shorter than the delimiter, becomes one with the beginning of the delimiter that follows it.
    private func isDelimiter(_ tail: Span<UInt8>) -> Bool {
        let delimiter = delimiter.span
        let rest = delimiter.extracting(droppingFirst: tail.count)
        return delimiter.contains(tail, at: 0) && delimiter.contains(rest, at: 0)
    }
}
