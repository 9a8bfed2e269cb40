// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// A queue keeps no list of its small messages: what was encoded can be decoded, and it is asked only when a write was cut
// short or the connection has ended. A framing that does not understand its own frames is counted as one message.

extension SendQueue {
    /// What follows next, when the queue is walked from the first frame of which nothing was written.
    enum Part {
        /// Whole frames, in that range of the buffer.
        case frames(Range<Int>)
        /// The frame of a large message.
        case large(InPlaceSegment)
    }

    struct Cursor {
        var offset: Int
        var index: Int
    }

    var firstUnsent: Cursor {
        // The frame that has been begun is the first insertion's, or lies in the buffer with all that is left of it.
        guard !insertions.isEmpty, insertions[0].isStarted else { return Cursor(offset: startedByteCount, index: 0) }
        return Cursor(offset: offset(of: insertions[0]) + insertions[0].envelope.suffixByteCount, index: 1)
    }

    func part(at cursor: inout Cursor) -> Part? {
        let next = cursor.index < insertions.count ? insertions[cursor.index] : nil
        let end = next.map { offset(of: $0) - $0.envelope.prefixByteCount } ?? bytes.byteCount
        if cursor.offset < end {
            defer { cursor.offset = end }
            return .frames(cursor.offset..<end)
        }
        guard let next else { return nil }
        cursor = Cursor(offset: offset(of: next) + next.envelope.suffixByteCount, index: cursor.index + 1)
        return .large(next)
    }

    /// The messages of which not one byte was written.
    func unsentMessageCount(_ framing: any MessageFraming) -> Int {
        var count = 0
        var cursor = firstUnsent
        while let part = part(at: &cursor) {
            switch part {
            case .frames(let range): count += framing.messageCount(in: bytes.span.extracting(range))
            case .large: count += 1
            }
        }
        return count
    }

    /// How many bytes of a frame are left behind a cut.
    func remainder(cutAt cut: Int, _ framing: any MessageFraming) -> Int {
        guard cut > startedByteCount else { return startedByteCount - cut }
        var rest = cut - startedByteCount
        var cursor = firstUnsent
        while rest > 0, let part = part(at: &cursor) {
            let byteCount: Int
            switch part {
            case .frames(let range):
                byteCount = range.count
                if rest < byteCount { return framing.remainder(of: bytes.span.extracting(range), cutAt: rest) }
            case .large(let insertion):
                byteCount = insertion.frameByteCount
                if rest < byteCount { return byteCount - rest }
            }
            rest -= byteCount
        }
        return 0
    }

    /// Appends copies of another queue's frames of which not one byte was written.
    mutating func append(unsentFramesOf other: borrowing SendQueue) {
        var cursor = other.firstUnsent
        while let part = other.part(at: &cursor) {
            switch part {
            case .frames(let range):
                bytes.append(contentsOf: other.bytes.span.extracting(range))
            case .large(let insertion):
                let envelope = insertion.envelope
                let offset = other.offset(of: insertion)
                let prefix = (offset - envelope.prefixByteCount)..<offset
                let suffix = offset..<(offset + envelope.suffixByteCount)
                bytes.append(contentsOf: other.bytes.span.extracting(prefix))
                insertion.withBody { bytes.append(contentsOf: $0) }
                bytes.append(contentsOf: other.bytes.span.extracting(suffix))
            }
        }
    }
}

extension InPlaceSegment {
    fileprivate func withBody(_ use: (Span<UInt8>) -> Void) {
        let body = unsafe UnsafeRawBufferPointer(start: start, count: byteCount)
        unsafe use(Span<UInt8>(_unsafeBytes: body))
        withExtendedLifetime(owner) {}
    }
}

extension MessageFraming {
    fileprivate func messageCount(in frames: Span<UInt8>) -> Int {
        var count = 0
        let walk = try? scanFrames(in: frames, scannedByteCount: 0) { _ in
            count += 1
            return true
        }
        return walk?.consumedByteCount == frames.count ? count : count + 1
    }

    /// How many bytes of a frame are left behind a cut in whole frames.
    fileprivate func remainder(of frames: Span<UInt8>, cutAt cut: Int) -> Int {
        let written = frames.extracting(first: cut)
        guard let walk = try? scanFrames(in: written, scannedByteCount: 0, deliver: { _ in true }) else { return 0 }
        let boundary = walk.consumedByteCount
        guard boundary < cut else { return 0 }
        let rest = frames.extracting(droppingFirst: boundary)
        guard case .frame(_, let byteCount) = try? nextFrame(in: rest, scannedByteCount: 0) else { return 0 }
        return boundary + byteCount - cut
    }
}
