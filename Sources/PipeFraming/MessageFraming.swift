// SPDX-License-Identifier: Apache-2.0

/// The rules by which messages become bytes on a stream, and bytes become messages again.
///
/// A stream socket carries bytes without boundaries: a `read(2)` may return half a message, or forty and a half. A
/// framing is the agreement that restores the boundaries. It is a value without memory of the stream: the reader keeps
/// the bytes of a partial frame and passes them again, with more bytes behind them. So one framing serves any number of
/// connections, and can be tested without a socket.
///
/// ``LengthPrefixFraming`` is the usual choice. To bring your own, implement ``maximumMessageByteCount``,
/// ``nextFrame(in:scannedByteCount:)`` and ``encode(_:into:)``:
///
/// ```swift
/// /// One byte of length, then the message.
/// struct ShortFraming: MessageFraming {
///     var maximumMessageByteCount: Int { 255 }
///
///     func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
///         guard !bytes.isEmpty else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
///         let end = 1 + Int(bytes[0])
///         guard bytes.count >= end else { return .incomplete(frameByteCount: end, scannedByteCount: 0) }
///         return .frame(message: 1..<end, byteCount: end)
///     }
///
///     func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
///         guard message.count <= 255 else { throw .messageTooLarge(byteCount: message.count, limit: 255) }
///         output.append(UInt8(message.count))
///         output.append(contentsOf: message)
///     }
/// }
/// ```
///
/// The contract of a framing:
///
/// - The result for a prefix of the stream never depends on how the bytes arrived: the same bytes lead to the same
///   messages and the same error, in one piece or one by one.
/// - Bytes that cannot become a frame, whatever follows, are an error as early as that is known. The reader then ends
///   the connection: nothing after a framing error is examined.
/// - A message larger than the maximum is refused before its body has arrived.
public protocol MessageFraming: Sendable {
    /// The largest message, in bytes of its body; what the framing adds does not count. 0 or more.
    var maximumMessageByteCount: Int { get }

    /// Looks for one frame at the beginning of `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: the bytes that have arrived, from a frame's first byte on; may end anywhere, even far behind that
    ///     frame.
    ///   - scannedByteCount: the value that the previous ``FrameScan/incomplete(frameByteCount:scannedByteCount:)``
    ///     of this same frame carried, so that a search need not start again; 0 at first.
    /// - Returns: the position of the message, or what is known of the partial frame.
    /// - Throws: ``FramingError`` if the bytes cannot begin an allowed frame.
    func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan

    /// Appends one frame that carries `message` to `output`.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``, or another case if the framing cannot
    ///   express the
    ///   message. If it throws, nothing is appended.
    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError)

    /// Appends only the bytes around `message` in its frame, the prefix and directly behind it the suffix, and returns
    /// their sizes. A large message is then sent from its own memory instead of being copied.
    ///
    /// The default returns nil: frames of this framing do not have that form, or it does not say so. Then
    /// ``encode(_:into:)`` is used.
    ///
    /// - Returns: the envelope: prefix, message and suffix are, byte for byte, what ``encode(_:into:)`` appends.
    /// - Throws: the errors of ``encode(_:into:)``. If it throws, nothing is appended.
    func encodeEnvelope(of message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) -> FrameEnvelope?

    /// Finds all complete frames in `bytes` and delivers their messages in order.
    ///
    /// The default calls ``nextFrame(in:scannedByteCount:)`` until no complete frame is left; there is no need to
    /// implement this. It is a requirement so that a reader with an `any MessageFraming` enters specialised code once
    /// per read, rather than calling through the existential once per message.
    ///
    /// - Parameters:
    ///   - bytes: the bytes that have arrived, from a frame's first byte on.
    ///   - scannedByteCount: the previous ``FrameWalk/scannedByteCount``, if `bytes` begin with the partial frame of
    ///     that call; 0 otherwise.
    ///   - deliver: takes one message, a view into `bytes`; returns whether to continue. After `false` no further byte
    ///     is examined.
    /// - Returns: how far it came, and what is known of the partial frame there.
    /// - Throws: ``FramingError``, after everything before the offending frame has been delivered.
    func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk
}

extension MessageFraming {
    /// Does nothing and returns nil.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? { nil }

    /// Finds the frames with ``nextFrame(in:scannedByteCount:)``.
    ///
    /// A framing that returns a frame of no bytes, or one that ends behind `bytes`, is a programmer error.
    @inlinable
    public func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        try scanOneByOne(in: bytes, from: 0, scannedByteCount: scannedByteCount, deliver)
    }

    /// Finds the frames from `start` on.
    @inlinable
    func scanOneByOne(
        in bytes: Span<UInt8>, from start: Int, scannedByteCount: Int, _ deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        var consumed = start
        var scanned = scannedByteCount
        while consumed < bytes.count {
            // The loop's condition ensures that the range is within the span.
            let rest = unsafe bytes.extracting(unchecked: Range(uncheckedBounds: (consumed, bytes.count)))
            switch try nextFrame(in: rest, scannedByteCount: scanned) {
            case .frame(let message, let byteCount):
                precondition(byteCount > 0 && byteCount <= rest.count, "a framing claimed bytes that are not there")
                consumed &+= byteCount
                scanned = 0
                if !deliver(rest.extracting(message)) { return FrameWalk(stoppedAfter: consumed) }
            case .incomplete(let frameByteCount, let scannedByteCount):
                return FrameWalk(
                    consumedByteCount: consumed, frameByteCount: frameByteCount, scannedByteCount: scannedByteCount)
            }
        }
        return FrameWalk(consumedByteCount: consumed, frameByteCount: nil, scannedByteCount: 0)
    }
}
