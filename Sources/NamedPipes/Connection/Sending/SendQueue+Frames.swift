// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// A queue keeps no list of its small messages. Encoded messages can be decoded, and that is needed only after a partial
// write, or when messages are displaced.

extension SendQueue {
    /// The next part of the queue in order, from the first frame of which nothing was written.
    enum Part {
        /// Whole frames, in a range of the buffer.
        case frames(Range<Int>)
        /// The frame of a large message.
        case large(InPlaceSegment)
    }

    struct Cursor {
        var offset: Int
        var index: Int
    }

    var firstUnsent: Cursor {
        // The started frame is the first segment's, or its rest is entirely in the buffer.
        guard !segments.isEmpty, segments[0].isStarted else { return Cursor(offset: startedByteCount, index: 0) }
        return Cursor(offset: offset(of: segments[0]) + segments[0].envelope.suffixByteCount, index: 1)
    }

    func part(at cursor: inout Cursor) -> Part? {
        let next = cursor.index < segments.count ? segments[cursor.index] : nil
        let end = next.map { offset(of: $0) - $0.envelope.prefixByteCount } ?? bytes.byteCount
        if cursor.offset < end {
            defer { cursor.offset = end }
            return .frames(cursor.offset..<end)
        }
        guard let next else { return nil }
        cursor = Cursor(offset: offset(of: next) + next.envelope.suffixByteCount, index: cursor.index + 1)
        return .large(next)
    }

    /// The number of messages of which not one byte was written.
    var unsentMessageCount: Int { messageCount - (startedByteCount > 0 ? 1 : 0) }

    /// The effect of a write of this many bytes.
    struct Cut {
        /// How many messages are completely written, the started one included.
        var messageCount: Int
        /// How many bytes are left of the frame that was cut; 0 if none was.
        var remainder = 0
    }

    func cut(at place: Int, _ framing: any MessageFraming) -> Cut {
        guard place >= startedByteCount else { return Cut(messageCount: 0, remainder: startedByteCount - place) }
        var cut = Cut(messageCount: startedByteCount > 0 ? 1 : 0)
        var rest = place - startedByteCount
        var cursor = firstUnsent
        while rest > 0, let part = part(at: &cursor) {
            switch part {
            case .frames(let range):
                let frames = framing.cut(bytes.span.extracting(range), at: min(rest, range.count))
                cut.messageCount += frames.messageCount
                cut.remainder = frames.remainder
                rest -= range.count
            case .large(let segment):
                cut.remainder = max(0, segment.frameByteCount - rest)
                cut.messageCount += cut.remainder == 0 ? 1 : 0
                rest -= segment.frameByteCount
            }
        }
        return cut
    }

    /// Appends copies of another queue's frames of which not one byte was written. Those with descriptors are shared.
    mutating func append(unsentFramesOf other: borrowing SendQueue) {
        messageCount += other.unsentMessageCount
        var cursor = other.firstUnsent
        while let part = other.part(at: &cursor) {
            switch part {
            case .frames(let range):
                bytes.append(contentsOf: other.bytes.span.extracting(range))
            case .large(let segment) where segment.carriesDescriptors:
                let body = unsafe UnsafeRawBufferPointer(start: segment.start, count: segment.byteCount)
                _ = unsafe append(
                    inPlace: body, segment.owner, capacity: segment.capacity, carriesDescriptors: true
                ) { _ in FrameEnvelope() }
            case .large(let segment):
                let envelope = segment.envelope
                let offset = other.offset(of: segment)
                let prefix = (offset - envelope.prefixByteCount)..<offset
                let suffix = offset..<(offset + envelope.suffixByteCount)
                bytes.append(contentsOf: other.bytes.span.extracting(prefix))
                segment.withBody { bytes.append(contentsOf: $0) }
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
    /// The effect of a cut in whole frames.
    fileprivate func cut(_ frames: Span<UInt8>, at place: Int) -> SendQueue.Cut {
        var cut = SendQueue.Cut(messageCount: 0)
        let written = frames.extracting(first: place)
        let scan = try? scanFrames(in: written, scannedByteCount: 0) { _ in
            cut.messageCount += 1
            return true
        }
        guard let boundary = scan?.consumedByteCount, boundary < place else { return cut }
        let rest = frames.extracting(droppingFirst: boundary)
        if case .frame(_, let byteCount) = try? nextFrame(in: rest, scannedByteCount: 0) {
            cut.remainder = boundary + byteCount - place
        }
        return cut
    }
}
