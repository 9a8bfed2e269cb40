// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Encoded frames on their way to the kernel, and what is known of where one message ends and the next begins.
///
/// A connection borrows one from its reactor's ``TransferBuffers`` while something waits, and gives it back when all is
/// written.
struct SendQueue: ~Copyable {
    /// The unsent bytes. Frames are appended whole.
    var bytes = FrameBuffer()

    /// How many bytes at the front belong to a frame whose beginning has already been written.
    private(set) var startedByteCount = 0

    /// The next one in the reserve of ``TransferBuffers``, while this one lies there.
    var nextInReserve: SendQueueSlot?

    var byteCount: Int { bytes.byteCount }

    /// Removes what the kernel took, which was not everything, and finds out where the frame that was cut began.
    mutating func didWrite(_ count: Int, _ framing: any MessageFraming) {
        if count > 0 { startedByteCount = framing.remainder(of: bytes, behind: startedByteCount, cutAt: count) }
        bytes.removeFirst(count)
    }

    /// Gives memory back that a queue which has to wait does not need. A moment's burst may have left much more.
    mutating func trim() {
        guard bytes.capacity > 64 << 10, bytes.capacity / 4 > bytes.byteCount else { return }
        var small = FrameBuffer()
        small.append(contentsOf: bytes, from: 0)
        bytes = small
    }

    /// The messages of which not one byte was written.
    func unsentMessageCount(_ framing: any MessageFraming) -> Int {
        framing.messageCount(in: bytes, from: startedByteCount)
    }

    /// Appends the frames of another queue of which not one byte was written.
    mutating func append(unsentFramesOf other: borrowing SendQueue) {
        bytes.append(contentsOf: other.bytes, from: other.startedByteCount)
    }

    /// Makes it as new, but for the memory that it keeps.
    mutating func clear() {
        startedByteCount = 0
        bytes.removeFirst(bytes.byteCount)
    }
}

extension FrameBuffer {
    fileprivate mutating func append(contentsOf other: borrowing FrameBuffer, from start: Int) {
        append(contentsOf: other.span.extracting(droppingFirst: start))
    }
}

// A queue keeps no list of its messages: what was encoded can be decoded, and it is asked only when a write was cut
// short or the connection has ended. A framing that does not understand its own frames is counted as one message.

extension MessageFraming {
    fileprivate func messageCount(in buffer: borrowing FrameBuffer, from start: Int) -> Int {
        let frames = buffer.span
        guard start < frames.count else { return 0 }
        var count = 0
        let walk = try? scanFrames(in: frames.extracting(droppingFirst: start), scannedByteCount: 0) { _ in
            count += 1
            return true
        }
        return walk?.consumedByteCount == frames.count - start ? count : count + 1
    }

    /// How many bytes of a frame are left behind a cut, if `start` bytes at the front are the rest of an earlier frame.
    fileprivate func remainder(of buffer: borrowing FrameBuffer, behind start: Int, cutAt cut: Int) -> Int {
        let frames = buffer.span
        guard cut > start else { return start - cut }
        let written = frames.extracting(start..<cut)
        guard let walk = try? scanFrames(in: written, scannedByteCount: 0, deliver: { _ in true }) else { return 0 }
        let boundary = start + walk.consumedByteCount
        guard boundary < cut else { return 0 }
        let rest = frames.extracting(droppingFirst: boundary)
        guard case .frame(_, let byteCount) = try? nextFrame(in: rest, scannedByteCount: 0) else { return 0 }
        return boundary + byteCount - cut
    }
}
