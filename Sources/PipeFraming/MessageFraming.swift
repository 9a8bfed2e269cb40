// SPDX-License-Identifier: Apache-2.0

/// How messages become bytes on a stream, and bytes messages again.
///
/// A stream socket carries bytes without seams: a `read(2)` may return half a message, or forty and a half. A framing
/// is the agreement that puts the seams back. It is a value without memory of the stream: the reader keeps the bytes
/// of an unfinished frame and shows them again, with more behind them. So one framing serves any number of connections,
/// and can be tested without a socket.
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
/// - The verdict on a prefix of the stream never depends on how the bytes arrived: the same bytes give the same
///   messages and the same error, in one piece or one by one.
/// - Bytes that no more bytes can turn into a frame are an error as early as that is known. The reader then gives
///   the connection up: nothing behind a framing error is looked at.
/// - A message larger than the maximum is refused before its body has arrived.
public protocol MessageFraming: Sendable {
    /// The largest message, in bytes of its body; what the framing adds does not count. 0 or more.
    var maximumMessageByteCount: Int { get }

    /// Looks for one frame at the beginning of `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: what has arrived, from a frame's first byte on; may end anywhere, also far behind that frame.
    ///   - scannedByteCount: the value that the previous ``FrameScan/incomplete(frameByteCount:scannedByteCount:)``
    ///     of this same frame carried, so that a search need not start again; 0 at first.
    /// - Returns: where the message lies, or what is known of the unfinished frame.
    /// - Throws: ``FramingError`` where the bytes cannot begin a frame that is allowed.
    func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan

    /// Appends one frame that carries `message` to `output`.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:)``, or another case where the framing cannot express
    ///   the message. Nothing has been appended then.
    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError)

    /// Appends only what stands around `message` in its frame, the prefix and directly behind it the suffix, and says
    /// how much that is. What is sent large leaves from where it lies then, instead of being copied.
    ///
    /// The default is nil: frames of this framing are not of that form, or it does not say so; ``encode(_:into:)`` is
    /// used.
    ///
    /// - Returns: the envelope: prefix, message and suffix are, byte for byte, what ``encode(_:into:)`` appends.
    /// - Throws: what ``encode(_:into:)`` throws. Nothing has been appended then.
    func encodeEnvelope(of message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) -> FrameEnvelope?

    /// Walks all complete frames in `bytes` and delivers their messages in order.
    ///
    /// The default calls ``nextFrame(in:scannedByteCount:)`` until it knows no further; there is no need to implement
    /// this. It is a requirement so that a reader that holds `any MessageFraming` enters specialised code once per read
    /// rather than asking the existential once per message.
    ///
    /// - Parameters:
    ///   - bytes: what has arrived, from a frame's first byte on.
    ///   - scannedByteCount: the previous walk's ``FrameWalk/scannedByteCount`` if its unfinished frame is what `bytes`
    ///     begin with; 0 otherwise.
    ///   - deliver: takes one message, a view into `bytes`; returns whether to go on. After `false` no further byte is
    ///     looked at.
    /// - Returns: how far the walk came and what it knows of the unfinished frame there.
    /// - Throws: ``FramingError``, after everything in front of the offending frame has been delivered.
    func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk
}

extension MessageFraming {
    /// Does nothing and returns nil.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? { nil }

    /// Walks the frames with ``nextFrame(in:scannedByteCount:)``.
    ///
    /// A framing that answers with a frame of no bytes, or with one that ends behind `bytes`, is a programmer error.
    @inlinable
    public func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        try scanOneByOne(in: bytes, from: 0, scannedByteCount: scannedByteCount, deliver)
    }

    /// Walks the frames that begin at `start`.
    @inlinable
    func scanOneByOne(
        in bytes: Span<UInt8>, from start: Int, scannedByteCount: Int, _ deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        var consumed = start
        var scanned = scannedByteCount
        while consumed < bytes.count {
            // The range is within the span by the loop's condition.
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
