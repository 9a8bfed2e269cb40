// SPDX-License-Identifier: Apache-2.0

/// A length in front of each message, not counting itself. The default of this library: four bytes, big-endian.
///
/// ```
/// 00 00 00 02  68 69        "hi"
/// 00 00 00 00               an empty message, which is legal
/// ```
///
/// In its default form byte for byte the same as Erlang's `{packet, 4}`, Python's `multiprocessing.connection`, tokio's
/// `LengthDelimitedCodec`, Netty's `LengthFieldPrepender(4)`, NIO-Extras' `.four` and H.Pipes.
///
/// **The top bit of the default form.** A length of `0x7FFFFFFF` at most is written as it is. `0xFFFFFFFF` is Python's
/// escape: eight bytes of big-endian length follow. It is used for larger messages only, and accepted only if
/// ``maximumMessageByteCount`` allows such messages at all; as in Python, a small length behind it is accepted as well.
/// All other words with the top bit set are a ``FramingError/reservedLength(_:header:)``.
///
/// **All other forms** are plain unsigned numbers, without an escape. Eight bytes that exceed 63 bits are a
/// ``FramingError/reservedLength(_:header:)`` too, because many languages read them as negative.
///
/// A length above the maximum is refused with the header's last byte, before any byte of the body is needed. This also
/// catches a protocol that was not meant for this socket: `GET ` is a length of 1.2 billion.
public struct LengthPrefixFraming: MessageFraming, Hashable {
    /// The number of bytes of the length.
    public enum Width: UInt8, CaseIterable, Hashable, Sendable {
        /// One byte: messages up to 255 bytes.
        case one = 1
        /// Two bytes: messages up to 65,535 bytes.
        case two = 2
        /// Four bytes: messages up to 4 GiB − 1; with the escape of the big-endian form, also larger ones.
        case four = 4
        /// Eight bytes.
        case eight = 8
    }

    /// The order of the length's bytes.
    public enum ByteOrder: Hashable, Sendable {
        /// The most significant first, as in network protocols.
        case bigEndian
        /// The least significant first, as in the memory of most machines.
        case littleEndian
    }

    /// The number of bytes of the length.
    public let width: Width

    /// The order of the length's bytes.
    public let byteOrder: ByteOrder

    /// The largest message, in bytes of its body.
    public let maximumMessageByteCount: Int

    /// The largest length that is simply the value of its first word, so that one unsigned comparison separates the
    /// ordinary frame from all others. -1 if the form is not the default one.
    @usableFromInline package let plainLimit: Int

    /// The default limit: 16 MiB.
    public static var defaultMaximumMessageByteCount: Int { 16 << 20 }

    /// Creates a framing.
    ///
    /// - Parameters:
    ///   - width: the number of bytes of the length. The default is four.
    ///   - byteOrder: the order of these bytes. The default is the most significant first.
    ///   - maximumMessageByteCount: the largest message in bytes, in both directions. The default is 16 MiB. It is
    ///     lowered to what the width can express; a negative number is a programmer error.
    public init(
        width: Width = .four,
        byteOrder: ByteOrder = .bigEndian,
        maximumMessageByteCount: Int = LengthPrefixFraming.defaultMaximumMessageByteCount
    ) {
        self.width = width
        self.byteOrder = byteOrder
        let isDefaultForm = width == .four && byteOrder == .bigEndian
        let expressible = isDefaultForm ? Int.max : width.largestLength
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount, atMost: expressible)
        plainLimit = isDefaultForm ? min(self.maximumMessageByteCount, Int(Int32.max)) : -1
    }

    /// Reads the length. Nothing is searched, so `scannedByteCount` is ignored here and stays 0.
    @inlinable
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        guard plainLimit >= 0 else { return try nextUnusualFrame(in: bytes) }
        guard bytes.count >= 4 else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        let word = Int(unsafe bytes.withUnsafeBytes { unsafe Self.word(at: $0.baseAddress.unsafelyUnwrapped) })
        guard word <= plainLimit else { return try nextEscapedFrame(in: bytes, word: UInt32(truncatingIfNeeded: word)) }
        let end = 4 &+ word
        guard bytes.count >= end else { return .incomplete(frameByteCount: end, scannedByteCount: 0) }
        return .frame(message: unsafe Range(uncheckedBounds: (4, end)), byteCount: end)
    }

    /// Appends the length and the message.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``.
    @inlinable
    @inline(__always)
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        guard message.count <= plainLimit else { return try encodeUnusual(message, into: &output) }
        output.appendPlainFrame(message)
    }

    /// Appends the length: the whole envelope is prefix.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        let before = output.byteCount
        try encodeLength(message.count, into: &output)
        return FrameEnvelope(prefixByteCount: output.byteCount - before)
    }

    /// Scans the frames whose length is simply the value of their first word, and leaves others to the general
    /// function.
    @inlinable
    @inline(__always)
    public func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        let count = bytes.count
        var consumed = 0
        // Through the pointer: the checks of a slice of the span are superfluous here, and were 6 of 35 instructions.
        if let start = unsafe bytes.withUnsafeBytes({ $0.baseAddress }) {
            while count &- consumed >= 4 {
                let header = unsafe start + consumed
                let word = Int(unsafe Self.word(at: header))
                let end = consumed &+ 4 &+ word
                guard word <= plainLimit else { break }
                guard end <= count else {
                    return FrameWalk(
                        consumedByteCount: consumed, frameByteCount: 4 &+ word, scannedByteCount: 0)
                }
                let message = unsafe UnsafeRawBufferPointer(start: header + 4, count: word)
                consumed = end
                if unsafe !deliver(Span<UInt8>(_unsafeBytes: message)) { return FrameWalk(stoppedAfter: consumed) }
            }
        }
        if consumed == count {
            return FrameWalk(consumedByteCount: count, frameByteCount: nil, scannedByteCount: 0)
        }
        return try scanUnusualFrames(in: bytes, from: consumed, deliver)
    }

    /// The big-endian word of the four bytes at `start`.
    @unsafe
    @inlinable
    static func word(at start: UnsafeRawPointer) -> UInt32 {
        UInt32(bigEndian: unsafe start.loadUnaligned(as: UInt32.self))
    }
}

extension FrameBuffer {
    /// Appends a frame of the default form, if the message is short, but not very short, and there is room for it:
    /// without a call, and so without saving registers around one (57 instead of 71 instructions for sending 64 bytes).
    /// All others take one more call.
    ///
    /// - Returns: whether it did.
    @inlinable
    @inline(__always)
    package mutating func appendShortPlainFrame(_ message: Span<UInt8>) -> Bool {
        let count = message.count
        guard Self.shortByteCounts.contains(count), capacity &- tail >= 4 &+ count else { return false }
        unsafe message.withUnsafeBytes { message in
            let frame = unsafe UnsafeMutableRawPointer(memory.unsafelyUnwrapped + tail)
            unsafe frame.storeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian, as: UInt32.self)
            let from = unsafe message.baseAddress.unsafelyUnwrapped
            let to = unsafe frame + 4
            unsafe Self.copyShort(from, to, count)
        }
        tail &+= 4 &+ count
        return true
    }

    @inlinable static var shortByteCounts: ClosedRange<Int> { 16...128 }

    /// Copies from both ends until the halves meet.
    @unsafe
    @inlinable
    @inline(__always)
    static func copyShort(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int) {
        unsafe copySixteen(from, to, 0)
        unsafe copySixteen(from, to, count &- 16)
        guard count > 32 else { return }
        unsafe copySixteen(from, to, 16)
        unsafe copySixteen(from, to, count &- 32)
        guard count > 64 else { return }
        unsafe copySixteen(from, to, 32)
        unsafe copySixteen(from, to, count &- 48)
        unsafe copySixteen(from, to, 48)
        unsafe copySixteen(from, to, count &- 64)
    }

    @unsafe
    @inlinable
    @inline(__always)
    static func copySixteen(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ offset: Int) {
        let bytes = unsafe from.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
        unsafe to.storeBytes(of: bytes, toByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    /// Appends a frame of the default form. Its length must not exceed ``LengthPrefixFraming/plainLimit``.
    @inlinable
    @inline(__always)
    package mutating func appendPlainFrame(_ message: Span<UInt8>) {
        let frame = unsafe extend(by: 4 &+ message.count)
        let header = UInt32(truncatingIfNeeded: message.count).bigEndian
        unsafe UnsafeMutableRawPointer(frame).storeBytes(of: header, as: UInt32.self)
        unsafe Self.copy(message, to: frame + 4)
    }
}
