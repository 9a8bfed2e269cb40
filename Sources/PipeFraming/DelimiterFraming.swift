// SPDX-License-Identifier: Apache-2.0

/// A delimiter behind each message: lines of text, NUL-terminated JSON.
///
/// ```
/// 68 69 0A                  "hi" and a newline
/// 0A                        an empty message
/// ```
///
/// ``newline`` is JSON Lines and most line protocols, ``nul`` is varlink's framing, ``formFeed`` node-ipc's. A message
/// is delivered exactly as it was before the delimiter: with ``newline``, a line that ended with `\r\n` keeps its
/// carriage return. If lines must end with both, pass `[0x0D, 0x0A]` as delimiter.
///
/// A message cannot contain the delimiter, nor end with bytes that, followed by the delimiter, contain it early (`a`
/// before `aa`): sending such a message is a ``FramingError/containsDelimiter(offset:)``. For binary data, use
/// ``LengthPrefixFraming``.
///
/// A message is refused when as many bytes as the maximum and the delimiter together contain no delimiter; the reader
/// never waits for more. Every byte is searched once, however the stream is divided.
public struct DelimiterFraming: MessageFraming, Hashable {
    /// The bytes behind each message; 1 to 255 of them.
    public let delimiter: [UInt8]

    /// The largest message in bytes, without the delimiter.
    public let maximumMessageByteCount: Int

    /// The default limit: 1 MiB. A line that long usually comes from a peer that speaks another protocol.
    public static var defaultMaximumMessageByteCount: Int { 1 << 20 }

    /// Messages that end with a line feed (`\n`, 0x0A).
    public static var newline: DelimiterFraming { DelimiterFraming([0x0A]) }

    /// Messages that end with a NUL byte (0x00), as in varlink.
    public static var nul: DelimiterFraming { DelimiterFraming([0x00]) }

    /// Messages that end with a form feed (`\f`, 0x0C), as in node-ipc.
    public static var formFeed: DelimiterFraming { DelimiterFraming([0x0C]) }

    /// Creates a framing.
    ///
    /// - Parameters:
    ///   - delimiter: the bytes behind each message. Less than 1 or more than 255 is a programmer error.
    ///   - maximumMessageByteCount: the largest message in bytes, in both directions. The default is 1 MiB; a negative
    ///     number is a programmer error.
    public init(
        _ delimiter: [UInt8],
        maximumMessageByteCount: Int = DelimiterFraming.defaultMaximumMessageByteCount
    ) {
        precondition((1...255).contains(delimiter.count), "a delimiter has 1 to 255 bytes, not \(delimiter.count)")
        self.delimiter = delimiter
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount)
    }

    /// Searches for the delimiter from `scannedByteCount` on. The size of a partial frame is never known.
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        // Never beyond the largest allowed frame, so that the result does not depend on the bytes that arrived with it.
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
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``,
    ///   ``FramingError/containsDelimiter(offset:)``.
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        try check(message)
        output.append(contentsOf: message)
        output.append(contentsOf: delimiter.span)
    }

    /// Appends the delimiter: the whole envelope is suffix.
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

    /// The offset at which, in `message` followed by the delimiter, a delimiter begins before the message's end.
    private func earlyDelimiter(in message: Span<UInt8>) -> Int? {
        if let offset = message.firstOffset(of: delimiter, from: 0) { return offset }
        for offset in max(0, message.count - delimiter.count + 1)..<message.count {
            if isDelimiter(message.extracting(last: message.count - offset)) { return offset }
        }
        return nil
    }

    /// Whether `tail`, which is shorter than the delimiter, forms a delimiter with the beginning of the one that
    /// follows it.
    private func isDelimiter(_ tail: Span<UInt8>) -> Bool {
        let delimiter = delimiter.span
        let rest = delimiter.extracting(droppingFirst: tail.count)
        return delimiter.contains(tail, at: 0) && delimiter.contains(rest, at: 0)
    }
}
