// SPDX-License-Identifier: Apache-2.0

/// A framing in whose bytes nothing tells where one message ends and the next begins: what was sent as one may arrive
/// as several, or with others. So what waits to be sent is never cut: see `PipeConnection.SlowReaderPolicy`.
public protocol BoundaryFreeFraming: MessageFraming {}

/// No framing: a message is whatever has arrived.
///
/// For protocols that find their own seams, or none, as a terminal. Boundaries are **not** kept: two sent messages may
/// arrive as one, one as several, and an empty message puts nothing on the wire.
public struct RawFraming: BoundaryFreeFraming, Hashable {
    /// The most bytes delivered at once; more that arrived together come as several messages.
    ///
    /// It does not bound what is sent: ``encode(_:into:)`` takes any number of bytes.
    public let maximumMessageByteCount: Int

    /// The default limit: 64 KiB.
    public static var defaultMaximumMessageByteCount: Int { 64 << 10 }

    /// Makes a framing.
    ///
    /// - Parameter maximumMessageByteCount: the most bytes delivered at once. The default is 64 KiB; less than 1 is a
    ///   programmer error.
    public init(maximumMessageByteCount: Int = RawFraming.defaultMaximumMessageByteCount) {
        self.maximumMessageByteCount = checkedMaximum(maximumMessageByteCount, atLeast: 1)
    }

    /// Takes whatever is there, up to the maximum.
    @inlinable
    public func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        guard !bytes.isEmpty else { return .incomplete(frameByteCount: nil, scannedByteCount: 0) }
        let count = min(bytes.count, maximumMessageByteCount)
        return .frame(message: 0..<count, byteCount: count)
    }

    /// Appends the bytes as they are. Never throws.
    @inlinable
    public func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        output.append(contentsOf: message)
    }

    /// Appends nothing: the envelope is empty.
    public func encodeEnvelope(
        of message: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? { FrameEnvelope() }
}
