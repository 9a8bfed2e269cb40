// SPDX-License-Identifier: Apache-2.0

/// The finding of a framing at the beginning of some bytes.
public enum FrameScan: Hashable, Sendable {
    /// A whole frame. `message` is where its body lies, counted from the frame's first byte; `byteCount`, at least 1,
    /// is all of the frame with what stands before and behind the body.
    case frame(message: Range<Int>, byteCount: Int)

    /// Not yet a whole frame.
    ///
    /// `frameByteCount` is the size of all of the frame, where that is known already: fewer bytes need not be shown
    /// again. `scannedByteCount` is what the next call may skip; 0 where the framing does not search.
    case incomplete(frameByteCount: Int?, scannedByteCount: Int)
}

/// How far a walk over frames came (``MessageFraming/scanFrames(in:scannedByteCount:deliver:)``).
///
/// The bytes from ``consumedByteCount`` on are still to be dealt with: the beginning of one frame, or, after a stop,
/// whatever has not been looked at.
public struct FrameWalk: Hashable, Sendable {
    /// The bytes of all delivered frames: the next walk begins there.
    public var consumedByteCount: Int

    /// The size in bytes of the whole unfinished frame at ``consumedByteCount``, where that is known already.
    public var frameByteCount: Int?

    /// What the next walk, when it begins at that frame, is to be given, so that a search need not start again.
    public var scannedByteCount: Int

    /// Whether `deliver` asked to stop. Complete frames may be left then.
    public var isStopped: Bool

    /// Describes a walk that came to the end of the bytes or to an unfinished frame.
    @inlinable
    public init(consumedByteCount: Int, frameByteCount: Int?, scannedByteCount: Int) {
        self.consumedByteCount = consumedByteCount
        self.frameByteCount = frameByteCount
        self.scannedByteCount = scannedByteCount
        self.isStopped = false
    }

    /// Describes a walk that `deliver` stopped when `consumedByteCount` bytes of frames had been delivered.
    @inlinable
    public init(stoppedAfter consumedByteCount: Int) {
        self.consumedByteCount = consumedByteCount
        self.frameByteCount = nil
        self.scannedByteCount = 0
        self.isStopped = true
    }
}
