// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// What a connection carries from one read to the next: an unfinished frame, or messages that it may not deliver yet.
///
/// Only a connection that is in the middle of something owns one.
final class PartialFrame {
    /// The bytes, from a frame's first byte on.
    var bytes = FrameBuffer()

    /// The size of the whole first frame, where the framing knows it already.
    var frameByteCount: Int?

    /// What the framing need not look at again.
    var scannedByteCount = 0

    /// Whether the walk was stopped (paused, out of budget): then whole frames may be here, and they come first.
    var mayHoldFrames = false

    /// Notes how a walk over these bytes, or over bytes whose rest these are, ended.
    func note(_ walk: FrameWalk) {
        frameByteCount = walk.frameByteCount
        scannedByteCount = walk.scannedByteCount
        mayHoldFrames = walk.isStopped
        precondition(missingByteCount ?? 1 > 0, "a framing called a frame unfinished that is all there")
    }

    /// How many bytes of the frame have not arrived, where that is known.
    var missingByteCount: Int? { frameByteCount.map { $0 - bytes.byteCount } }

    /// How much room the next read needs, or is to be made for it: never more than what has arrived, or a little at first.
    var growth: Int {
        let room = bytes.capacity - bytes.byteCount
        return room >= TransferBuffers.copiedByteCount ? room : max(bytes.byteCount, TransferBuffers.smallestGrowth)
    }

    /// Makes it as new. Memory beyond `limit` is given back.
    func reset(keepingCapacityUpTo limit: Int) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= limit)
        frameByteCount = nil
        scannedByteCount = 0
        mayHoldFrames = false
    }
}
