// SPDX-License-Identifier: Apache-2.0

/// What a framing found at the beginning of some bytes.
public enum FrameScan: Hashable, Sendable {
    /// A whole frame. `message` is the range of its body, counted from the frame's first byte; `byteCount`, at least 1,
    /// is the size of the whole frame, including the bytes before and behind the body.
    case frame(message: Range<Int>, byteCount: Int)

    /// Not yet a whole frame.
    ///
    /// `frameByteCount` is the size of the whole frame, if it is already known: the framing need not be called again
    /// with fewer bytes. `scannedByteCount` is the number of bytes that the next call may skip; 0 if the framing does
    /// not search.
    case incomplete(frameByteCount: Int?, scannedByteCount: Int)
}

/// How far an iteration over frames came (``MessageFraming/scanFrames(in:scannedByteCount:deliver:)``).
///
/// The bytes from ``consumedByteCount`` on are not processed yet: the beginning of one frame, or, after a stop,
/// everything that was not examined.
public struct FrameWalk: Hashable, Sendable {
    /// The size of all delivered frames: the next iteration begins there.
    public var consumedByteCount: Int

    /// The size in bytes of the whole partial frame at ``consumedByteCount``, if it is already known.
    public var frameByteCount: Int?

    /// The number to pass to the next iteration, if it begins at that frame, so that a search need not start again.
    public var scannedByteCount: Int

    /// Whether `deliver` asked to stop. Complete frames may be left in this case.
    public var isStopped: Bool

    /// Describes an iteration that came to the end of the bytes or to a partial frame.
    @inlinable
    public init(consumedByteCount: Int, frameByteCount: Int?, scannedByteCount: Int) {
        self.consumedByteCount = consumedByteCount
        self.frameByteCount = frameByteCount
        self.scannedByteCount = scannedByteCount
        self.isStopped = false
    }

    /// Describes an iteration that `deliver` stopped when `consumedByteCount` bytes of frames had been delivered.
    @inlinable
    public init(stoppedAfter consumedByteCount: Int) {
        self.consumedByteCount = consumedByteCount
        self.frameByteCount = nil
        self.scannedByteCount = 0
        self.isStopped = true
    }
}
