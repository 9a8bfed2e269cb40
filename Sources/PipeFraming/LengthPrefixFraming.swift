// SPDX-License-Identifier: Apache-2.0

/// A length in front of each message, not counting itself. The default of this library: four bytes, big-endian.
///
/// ```
/// 00 00 00 02  68 69        "hi"
/// 00 00 00 00               an empty message, which is legal
/// ```
///
/// Byte for byte the same in its default form: Erlang's `{packet, 4}`, Python's `multiprocessing.connection`, tokio's
/// `LengthDelimitedCodec`, Netty's `LengthFieldPrepender(4)`, NIO-Extras' `.four`, H.Pipes.
///
/// **The top bit of the default form.** A length of `0x7FFFFFFF` at most is written as it is. `0xFFFFFFFF` is Python's
/// escape: eight bytes of big-endian length follow. It is used for larger messages only, and understood only where
/// ``maximumMessageByteCount`` allows such messages at all; as in Python, a small length behind it is taken as well.
/// All other words with the top bit set are ``FramingError/reservedLength(_:)``.
///
/// **All other forms** are plain unsigned numbers, without an escape. Eight bytes that exceed 63 bits are
/// ``FramingError/reservedLength(_:)`` too, since many languages read them as negative.
///
/// A length above the maximum is refused with the header's last byte, before anything of the body is there. So is a
/// protocol that was not meant for this socket: `GET ` is a length of 1.2 thousand million.
public struct LengthPrefixFraming: MessageFraming, Hashable {
    /// How many bytes the length takes.
    public enum Width: UInt8, CaseIterable, Hashable, Sendable {
        /// One byte: messages up to 255 bytes.
        case one = 1
        /// Two bytes: messages up to 65,535 bytes.
        case two = 2
        /// Four bytes: messages up to 4 GiB − 1; big-endian with the escape also larger.
        case four = 4
        /// Eight bytes.
        case eight = 8
    }

    /// Which byte of the length comes first.
    public enum ByteOrder: Hashable, Sendable {
        /// The most significant, as in network protocols.
        case bigEndian
        /// The least significant, as in the memory of most machines.
        case littleEndian
    }

    /// How many bytes the length takes.
    public let width: Width

    /// Which byte of the length comes first.
    public let byteOrder: ByteOrder

    /// The largest message, in bytes of its body.
    public let maximumMessageByteCount: Int

    /// The largest length that is just what its first word says, so that one unsigned comparison tells the usual frame
    /// from everything rare. Negative one where the form is not the default one.
    @usableFromInline package let plainLimit: Int

    /// The default limit: 16 MiB.
    public static var defaultMaximumMessageByteCount: Int { 16 << 20 }

    /// Makes a framing.
    ///
    /// - Parameters:
    ///   - width: how many bytes the length takes. The default is four.
    ///   - byteOrder: which of them comes first. The default is the most significant.
    ///   - maximumMessageByteCount: the largest message in bytes, both ways. The default is 16 MiB. It is lowered to
    ///     what the width can express; a negative number is a programmer error.
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

    /// Reads the length. Nothing is searched, so `scannedByteCount` is of no use here and stays 0.
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
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:)``.
    @inlinable
    @inline(__always)
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        guard message.count <= plainLimit else { return try encodeUnusual(message, into: &output) }
        output.appendPlainFrame(message)
    }

    /// Appends the length: all of it is prefix.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        let before = output.byteCount
        try encodeLength(message.count, into: &output)
        return FrameEnvelope(prefixByteCount: output.byteCount - before)
    }

    /// Walks the frames whose length is just what their first word says, and leaves others to the general walk.
    @inlinable
    @inline(__always)
    public func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        let count = bytes.count
        var consumed = 0
        // By the pointer: what a slice of the span checks is known here already, and was 6 of 35 instructions.
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
    /// Appends a frame of the default form, if the message is short, but not very, and there is room for it: without a
    /// call, and so without saving registers around one (57 instead of 71 instructions for sending 64 bytes). The
    /// others take a call more.
    ///
    /// - Returns: whether that was so.
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

    /// From both ends, until they meet.
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

    /// Appends a frame of the default form. Its length has to be within ``LengthPrefixFraming/plainLimit``.
    @inlinable
    @inline(__always)
    package mutating func appendPlainFrame(_ message: Span<UInt8>) {
        let frame = unsafe extend(by: 4 &+ message.count)
        let header = UInt32(truncatingIfNeeded: message.count).bigEndian
        unsafe UnsafeMutableRawPointer(frame).storeBytes(of: header, as: UInt32.self)
        unsafe Self.copy(message, to: frame + 4)
    }
}
