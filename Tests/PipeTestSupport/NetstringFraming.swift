// SPDX-License-Identifier: Apache-2.0

/// D. J. Bernstein's netstrings, `5:hello,`: a framing as a user would write it, with public interfaces only.
package struct NetstringFraming: MessageFraming {
    package var maximumMessageByteCount: Int
    /// Whether it describes the envelope of a message, which is optional.
    private let givesEnvelope: Bool

    package init(maximumMessageByteCount: Int = 1 << 20, givesEnvelope: Bool = false) {
        self.maximumMessageByteCount = maximumMessageByteCount
        self.givesEnvelope = givesEnvelope
    }

    package func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        var length = 0
        for offset in bytes.indices {
            let byte = bytes[offset]
            if byte == UInt8(ascii: ":"), offset > 0 {
                return try frame(in: bytes, messageStart: offset + 1, length: length)
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                throw .malformedFrame(offset: offset, byte: byte)
            }
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
            guard length <= maximumMessageByteCount else {
                throw .messageTooLarge(byteCount: length, limit: maximumMessageByteCount)
            }
            // A length that consists of leading zeros would never end.
            guard offset < 20 else { throw .malformedFrame(offset: offset, byte: byte) }
        }
        return .incomplete(frameByteCount: nil, scannedByteCount: 0)
    }

    private func frame(in bytes: Span<UInt8>, messageStart: Int, length: Int) throws(FramingError) -> FrameScan {
        let comma = messageStart + length
        guard bytes.count > comma else { return .incomplete(frameByteCount: comma + 1, scannedByteCount: 0) }
        guard bytes[comma] == UInt8(ascii: ",") else { throw .malformedFrame(offset: comma, byte: bytes[comma]) }
        return .frame(message: messageStart..<comma, byteCount: comma + 1)
    }

    package func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        try check(message)
        output.append(contentsOf: "\(message.count):".utf8.span)
        output.append(contentsOf: message)
        output.append(UInt8(ascii: ","))
    }

    package func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? {
        guard givesEnvelope else { return nil }
        try check(message)
        let before = output.byteCount
        output.append(contentsOf: "\(message.count):".utf8.span)
        let prefix = output.byteCount - before
        output.append(UInt8(ascii: ","))
        return FrameEnvelope(prefixByteCount: prefix, suffixByteCount: 1)
    }

    private func check(_ message: Span<UInt8>) throws(FramingError) {
        guard message.count <= maximumMessageByteCount else {
            throw .messageTooLarge(byteCount: message.count, limit: maximumMessageByteCount)
        }
    }
}
