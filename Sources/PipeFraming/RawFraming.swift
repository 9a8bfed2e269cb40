// SPDX-License-Identifier: Apache-2.0

/// A framing without boundaries: nothing in its bytes says where one message ends and the next begins. A sent message
/// may arrive as several, or together with others. Therefore queued messages are never displaced: see
/// `PipeConnection.SlowReaderPolicy`.
public protocol BoundaryFreeFraming: MessageFraming {}

/// No framing: a message is whatever has arrived.
///
/// For protocols that find their own boundaries, or need none, such as terminals. Boundaries are **not** kept: two sent
/// messages may arrive as one, one as several, and an empty message puts nothing on the wire.
public struct RawFraming: BoundaryFreeFraming, Hashable {
    /// The maximum number of bytes delivered at once; more bytes that arrived together are delivered as several
    /// messages.
    ///
    /// It does not limit outgoing messages: ``encode(_:into:)`` takes any number of bytes.
    public let maximumMessageByteCount: Int

    /// The default limit: 64 KiB.
    public static var defaultMaximumMessageByteCount: Int { 64 << 10 }

    /// Creates a framing.
    ///
    /// - Parameter maximumMessageByteCount: the maximum number of bytes delivered at once. The default is 64 KiB; less
    ///   than 1 is a programmer error.
    public init(maximumMessageByteCount: Int = RawFraming.defaultMaximumMessageByteCount) {
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount, atLeast: 1)
    }

    /// Takes all bytes, up to the maximum.
    @inlinable
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        guard !bytes.isEmpty else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        let count = min(bytes.count, maximumMessageByteCount)
        return .frame(message: 0..<count, byteCount: count)
    }

    /// Appends the bytes unchanged. Never throws.
    @inlinable
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        output.append(contentsOf: message)
    }

    /// Appends nothing: the envelope is empty.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? { FrameEnvelope() }
}
