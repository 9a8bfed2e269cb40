// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Dropping from a slow reader's queue, oldest first: only frames of which nothing was written.

extension SendQueue {
    /// The size of all frames of which nothing was written.
    var droppableByteCount: Int {
        let first = firstUnsent
        return byteCount - first.offset - (first.index > 0 ? segments[0].byteCount : 0)
    }

    /// Drops the oldest whole frames until `byteCount` bytes or `limit` messages are dropped, or none are left.
    ///
    /// - Returns: how many messages were dropped.
    mutating func dropOldest(
        freeing byteCount: Int, atMost limit: Int = .max, _ framing: any MessageFraming
    ) -> Int {
        detachStarted()
        let start = firstUnsent
        var end = start
        var freed = 0
        var messageCount = 0
        while freed < byteCount, messageCount < limit {
            let before = end
            guard let part = part(at: &end) else { break }
            switch part {
            case .large(let segment):
                freed += segment.frameByteCount
                messageCount += 1
            case .frames(let range):
                let frames = bytes.span.extracting(range)
                let dropped = framing.frames(in: frames, upTo: byteCount - freed, limit - messageCount)
                freed += dropped.byteCount
                messageCount += dropped.messageCount
                end = Cursor(offset: range.lowerBound + dropped.byteCount, index: before.index)
            }
        }
        remove(from: start, to: end)
        let removedCount = droppableByteCount == 0 ? unsentMessageCount : messageCount
        return removeMessages(removedCount, leaving: self.byteCount)
    }
}

extension SendQueue {
    /// The memory of the queue after adding this many bytes, and the size to which the buffer should be brought before
    /// that.
    func growth(for byteCount: Int, limit: Int) -> (capacity: Int, bufferCapacity: Int?) {
        let copied = bytes.capacity(afterAppending: byteCount)
        let others = capacity - bytes.capacity
        if byteCount >= ReactorBuffers.inPlaceByteCount {
            // The message may be copied into the buffer or stay in its own memory: the larger of the two counts.
            return (others + max(bytes.capacity + byteCount, copied), nil)
        }
        guard copied > bytes.capacity else { return (capacity, nil) }
        // Twice the memory, but no more than the limit allows.
        let best = bytes.capacity < limit ? max(bytes.byteCount + byteCount, min(copied, limit)) : copied
        return (others + best, best)
    }

    /// Moves the bytes to the buffer's front, so that all free memory can be used again.
    mutating func compact() { bytes.reserveCapacity(bytes.capacity) }
}

extension MessageFraming {
    /// The first whole frames that make up `wanted` bytes, or all. Bytes that the framing does not understand count as
    /// one frame.
    fileprivate func frames(
        in bytes: Span<UInt8>, upTo byteCount: Int, _ limit: Int
    ) -> (byteCount: Int, messageCount: Int) {
        var messageCount = 0
        var offset = 0
        while offset < min(byteCount, bytes.count), messageCount < limit {
            let rest = bytes.extracting(droppingFirst: offset)
            messageCount += 1
            guard case .frame(_, let byteCount) = try? nextFrame(in: rest, scannedByteCount: 0) else {
                return (bytes.count, messageCount)
            }
            offset += byteCount
        }
        return (offset, messageCount)
    }
}
