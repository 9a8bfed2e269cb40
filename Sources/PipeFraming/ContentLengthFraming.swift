// SPDX-License-Identifier: Apache-2.0

/// A header with a `Content-Length` in front of each message: the base protocol of LSP and DAP.
///
/// ```
/// Content-Length: 2\r\n
/// \r\n
/// hi
/// ```
///
/// Field names are compared without regard to case. Other fields may come before and after `Content-Length` and are
/// ignored, except for `Content-Type`: a charset other than `utf-8` or `utf8` is a ``FramingError/unsupportedCharset``.
/// Outgoing messages have `Content-Length: N` alone.
///
/// **Strict where peers could disagree** (RFC 9112, sections 5 and 6.3). Lines end with `\r\n`, never with a bare line
/// feed; a name is an RFC 9110 token with its colon right behind it; a value has no control bytes but tab; a length is
/// decimal digits only. The first byte that violates this is a ``FramingError/malformedFrame(offset:byte:)``, for
/// instance the space in `GET / HTTP/1.1`, or the first byte of a TLS hello. Equal lengths may repeat, different ones
/// are a ``FramingError/conflictingContentLength(_:_:)``. A length is refused at the digit that takes it above the
/// maximum.
public struct ContentLengthFraming: MessageFraming, Hashable {
    /// The largest message, in bytes of its body.
    public let maximumMessageByteCount: Int

    /// The largest header in bytes, including the blank line at its end.
    public let maximumHeaderByteCount: Int

    /// The default limit of a message: 16 MiB.
    public static var defaultMaximumMessageByteCount: Int { 16 << 20 }

    /// The default limit of a header: 4 KiB. LSP's headers take about 20 bytes.
    public static var defaultMaximumHeaderByteCount: Int { 4 << 10 }

    /// Creates a framing.
    ///
    /// - Parameters:
    ///   - maximumMessageByteCount: the largest message in bytes, in both directions. The default is 16 MiB; a negative
    ///     number is a programmer error.
    ///   - maximumHeaderByteCount: the largest header that is read, in bytes, including its blank line. The default is
    ///     4 KiB; less than 64 or more than 1 MiB is a programmer error.
    public init(
        maximumMessageByteCount: Int = ContentLengthFraming.defaultMaximumMessageByteCount,
        maximumHeaderByteCount: Int = ContentLengthFraming.defaultMaximumHeaderByteCount
    ) {
        precondition((64...1 << 20).contains(maximumHeaderByteCount), "header limit \(maximumHeaderByteCount)")
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount)
        self.maximumHeaderByteCount = maximumHeaderByteCount
    }

    /// Reads the header. The complete lines of a partial header are not examined again until the header is complete.
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        let window = bytes.extracting(first: maximumHeaderByteCount)
        var header = HeaderScanner(window, start: scannedByteCount, maximumMessageByteCount: maximumMessageByteCount)
        guard try header.readLines() else {
            guard window.count < maximumHeaderByteCount else { throw .headerTooLarge(limit: maximumHeaderByteCount) }
            return .incomplete(frameByteCount: nil, scannedByteCount: header.lineStart)
        }
        if scannedByteCount > 0 { return try nextFrame(in: bytes, scannedByteCount: 0) }
        let start = header.offset
        let end = start + (try header.contentLength())
        guard bytes.count >= end else { return .incomplete(frameByteCount: end, scannedByteCount: 0) }
        return .frame(message: start..<end, byteCount: end)
    }

    /// Appends `Content-Length: N`, a blank line and the message.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``.
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        _ = try encodeEnvelope(of: message, into: &output)
        output.append(contentsOf: message)
    }

    /// Appends the header: the whole envelope is prefix.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        guard message.count <= maximumMessageByteCount else {
            try FramingError.refuse(byteCount: message.count, limit: maximumMessageByteCount)
        }
        let before = output.byteCount
        output.append(contentsOf: "Content-Length: ".utf8)
        output.append(contentsOf: String(message.count).utf8)
        output.append(contentsOf: "\r\n\r\n".utf8)
        return FrameEnvelope(prefixByteCount: output.byteCount - before)
    }
}
