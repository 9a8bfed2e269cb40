// SPDX-License-Identifier: Apache-2.0

/// A length and a number of descriptors in front of each message: four bytes of length, big-endian, not counting the
/// envelope; one byte with the number of file descriptors that come with the message; the message.
///
/// ```
/// 00 00 00 02  00  68 69        "hi", without descriptors
/// 00 00 00 04  02  74 61 6B 65  "take", with two
/// ```
///
/// In Python: `struct.pack(">IB", len(message), len(descriptors)) + message`, sent with `socket.send_fds`.
///
/// The descriptors themselves travel beside the bytes (`SCM_RIGHTS`, unix(7)). The kernel does not say which byte they
/// belong to, and may deliver two frames in one read. Therefore a frame announces their number, and the frames of a
/// stream claim the descriptors in order. A sender passes the descriptors of a frame with its first byte, or with a
/// later one, but not behind the frame.
///
/// A length with the top bit set is a ``FramingError/reservedLength(_:header:)``, a number above
/// ``maximumDescriptorCount`` a ``FramingError/tooManyDescriptors(count:limit:)``.
public struct DescriptorFraming: DescriptorAnnouncingFraming, Hashable {
    /// The largest message, in bytes of its body.
    public let maximumMessageByteCount: Int

    /// The default limit: 16 MiB.
    public static var defaultMaximumMessageByteCount: Int { 16 << 20 }

    /// The largest number of descriptors with one message: what one call can pass (`SCM_MAX_FD`, unix(7)).
    public static var maximumDescriptorCount: Int { 253 }

    private static let envelopeByteCount = 5

    /// Creates a framing.
    ///
    /// - Parameter maximumMessageByteCount: the largest message in bytes, in both directions. The default is 16 MiB;
    ///   2 GiB − 1 is the most that the length can express. A negative number is a programmer error.
    public init(maximumMessageByteCount: Int = DescriptorFraming.defaultMaximumMessageByteCount) {
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount, atMost: Int(Int32.max))
    }

    /// Reads the envelope. Nothing is searched, so `scannedByteCount` is ignored here and stays 0.
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        guard bytes.count >= 4 else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[$1]) }
        guard length <= maximumMessageByteCount else {
            try FramingError.refuse(
                length: UInt64(length), byteCount: length <= Int(Int32.max) ? length : nil,
                readFrom: bytes.extracting(first: 4), limit: maximumMessageByteCount)
        }
        guard bytes.count > 4 else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        try Self.check(descriptorCount: Int(bytes[4]))
        let end = Self.envelopeByteCount + length
        guard bytes.count >= end else { return .incomplete(frameByteCount: end, scannedByteCount: 0) }
        return .frame(message: Self.envelopeByteCount..<end, byteCount: end)
    }

    /// The number in the envelope.
    public func descriptorCount(ofFrame frame: Span<UInt8>) -> Int { Int(frame[4]) }

    /// Appends the frame of a message without descriptors.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``.
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        try encode(message, descriptorCount: 0, into: &output)
    }

    /// Appends the frame of a message that announces descriptors.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``,
    ///   ``FramingError/tooManyDescriptors(count:limit:)``.
    public func encode(
        _ message: Span<UInt8>, descriptorCount: Int, into output: inout FrameBuffer
    ) throws(FramingError) {
        try encodeEnvelope(message.count, descriptorCount, into: &output)
        output.append(contentsOf: message)
    }

    /// Appends the envelope of a message without descriptors: all of it is prefix.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        try encodeEnvelope(message.count, 0, into: &output)
        return FrameEnvelope(prefixByteCount: Self.envelopeByteCount)
    }

    private func encodeEnvelope(
        _ byteCount: Int, _ descriptorCount: Int, into output: inout FrameBuffer
    ) throws(FramingError) {
        guard byteCount <= maximumMessageByteCount else {
            try FramingError.refuse(byteCount: byteCount, limit: maximumMessageByteCount)
        }
        try Self.check(descriptorCount: descriptorCount)
        output.append(bigEndian: UInt32(truncatingIfNeeded: byteCount))
        output.append(UInt8(truncatingIfNeeded: descriptorCount))
    }

    private static func check(descriptorCount count: Int) throws(FramingError) {
        guard count > maximumDescriptorCount else { return }
        throw .tooManyDescriptors(count: count, limit: maximumDescriptorCount)
    }
}
