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
    @usableFromInline let plainLimit: Int

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
        let word = Int(unsafe Self.firstWord(of: bytes))
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
        let frame = unsafe output.extend(by: 4 &+ message.count)
        let header = UInt32(truncatingIfNeeded: message.count).bigEndian
        unsafe UnsafeMutableRawPointer(frame).storeBytes(of: header, as: UInt32.self)
        unsafe FrameBuffer.copy(message, to: frame + 4)
    }

    /// The big-endian word that `bytes`, of which there are at least four, begin with.
    @unsafe
    @inlinable
    static func firstWord(of bytes: Span<UInt8>) -> UInt32 {
        unsafe bytes.withUnsafeBytes { bytes in
            UInt32(bigEndian: unsafe bytes.baseAddress.unsafelyUnwrapped.loadUnaligned(as: UInt32.self))
        }
    }
}
