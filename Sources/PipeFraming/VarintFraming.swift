// SPDX-License-Identifier: Apache-2.0

/// A varint length in front of each message: unsigned LEB128, seven bits a byte, the least significant first.
///
/// ```
/// 02     68 69              "hi"
/// AC 02  …                  300 bytes follow
/// ```
///
/// Byte for byte protobuf's delimited messages: Java's `writeDelimitedTo`, C++'s `SerializeDelimitedToOstream`,
/// SwiftProtobuf's `BinaryDelimited`. Lengths are written in the shortest form. As in protobuf's parsers, longer forms
/// of a number (`80 00` for 0) are read too, up to ten bytes. Some of these parsers drop the bits above 32; here, bits
/// above 63 are a ``FramingError/overlongVarint``.
///
/// A length is refused at the first byte that takes it above the maximum, whatever would have followed.
public struct VarintFraming: MessageFraming, Hashable {
    /// The largest message, in bytes of its body.
    public let maximumMessageByteCount: Int

    /// The default limit: 16 MiB.
    public static var defaultMaximumMessageByteCount: Int { 16 << 20 }

    /// Creates a framing.
    ///
    /// - Parameter maximumMessageByteCount: the largest message in bytes, in both directions. The default is 16 MiB;
    ///   protobuf itself stops at 2 GiB − 1. A negative number is a programmer error.
    public init(maximumMessageByteCount: Int = VarintFraming.defaultMaximumMessageByteCount) {
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount)
    }

    /// Reads the length. Nothing is searched, so `scannedByteCount` is ignored here and stays 0.
    @inlinable
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        var length = 0
        for index in 0..<min(bytes.count, 9) {
            let byte = bytes[index]
            length |= Int(byte & 0x7F) << (7 &* index)
            guard length <= maximumMessageByteCount else {
                try FramingError.refuse(byteCount: length, limit: maximumMessageByteCount)
            }
            if byte < 0x80 { return frame(in: bytes, headerByteCount: index &+ 1, length: length) }
        }
        guard bytes.count > 9 else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        guard bytes[9] == 0 else { throw .overlongVarint }
        return frame(in: bytes, headerByteCount: 10, length: length)
    }

    @inlinable
    func frame(in bytes: Span<UInt8>, headerByteCount: Int, length: Int) -> FrameScan {
        let end = headerByteCount &+ length
        guard bytes.count >= end else { return .incomplete(frameByteCount: end, scannedByteCount: 0) }
        return .frame(message: headerByteCount..<end, byteCount: end)
    }

    /// Appends the length in its shortest form and the message.
    ///
    /// - Throws: ``FramingError/messageTooLarge(byteCount:limit:header:)``.
    @inlinable
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        _ = try encodeEnvelope(of: message, into: &output)
        output.append(contentsOf: message)
    }

    /// Appends the length: the whole envelope is prefix.
    @inlinable
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        guard message.count <= maximumMessageByteCount else {
            try FramingError.refuse(byteCount: message.count, limit: maximumMessageByteCount)
        }
        let before = output.byteCount
        var rest = UInt(bitPattern: message.count)
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(truncatingIfNeeded: rest))
        return FrameEnvelope(prefixByteCount: output.byteCount - before)
    }
}
