// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Encoded frames on their way to the kernel, with the boundaries between messages as far as they are known.
///
/// Small messages are copied into one buffer. A large one stays in its own memory (``InPlaceSegment``): only its
/// envelope is in the buffer, and a gathered write sends the body between the two parts of the envelope.
///
/// A connection borrows a queue from its reactor's ``ReactorBuffers`` while something waits, and recycles it when
/// everything is written.
struct SendQueue: ~Copyable {
    /// The copied unsent bytes, in whole frames except for the first.
    var bytes = FrameBuffer()

    /// The large messages between those bytes, in order.
    private(set) var segments = InPlaceSegmentList()

    /// How many bytes at the front of the buffer were written or dropped so far; ``InPlaceSegment/position`` includes
    /// them.
    private var removedByteCount = 0

    /// How many bytes at the front belong to a frame whose beginning is already written.
    private(set) var startedByteCount = 0

    /// How many messages are queued, the started one included. The callers that append a message count it.
    var messageCount = 0

    /// The size up to which the queue may be filled before ``QueueAdmission`` has to be asked again.
    var prepaidByteCount = 0

    /// The charge for its memory in the ledger of the connection's owner: zero while the queue is small and is written
    /// in this turn.
    var charge = ByteCharge(for: .queued)

    /// When the kernel last took something, in ticks of ``DeadlineSweep``; meaningful only while something waits.
    var tookLastTick: UInt32 = 0

    /// The next queue in the free list of ``ReactorBuffers``, while this one is there.
    var nextFree: SendQueueSlot?

    var byteCount: Int { bytes.byteCount &+ segments.byteCount }

    /// Whether a message of this size, including its header, is taken without a decision: see ``QueueAdmission``.
    @inline(__always)
    func isPrepaid(_ messageByteCount: Int) -> Bool { byteCount &+ messageByteCount <= prepaidByteCount }

    /// The memory that the queue keeps alive.
    var capacity: Int { bytes.capacity + segments.capacity }

    var isEmpty: Bool { byteCount == 0 }

    /// Whether all unsent bytes are contiguous.
    var isContiguous: Bool { segments.byteCount == 0 }

    /// Appends one frame whose body stays in its own memory.
    ///
    /// - Parameters:
    ///   - owner: owns the memory of `body`; nil if that is valid only until ``adoptBorrowed(_:)``.
    ///   - capacity: how much memory the owner keeps alive, which may be more than the body.
    ///   - carriesDescriptors: whether the owner is a ``DescriptorFrame``. The default is false.
    ///   - envelope: appends the envelope; if it returns nil, the framing has none, and nothing is appended here.
    /// - Returns: whether it was appended.
    mutating func append<Failure: Error>(
        inPlace body: UnsafeRawBufferPointer, _ owner: AnyObject?, capacity: Int,
        carriesDescriptors: Bool = false, envelope: (inout FrameBuffer) throws(Failure) -> FrameEnvelope?
    ) throws(Failure) -> Bool {
        let before = bytes.byteCount
        guard let start = body.baseAddress, let envelope = try envelope(&bytes) else { return false }
        unsafe segments.append(
            InPlaceSegment(
                position: removedByteCount + before + envelope.prefixByteCount, start: start, byteCount: body.count,
                owner: owner, envelope: envelope, capacity: capacity, carriesDescriptors: carriesDescriptors))
        return true
    }

    /// The offset in the buffer at which a segment's body is written.
    func offset(of segment: InPlaceSegment) -> Int { segment.position - removedByteCount }

    /// Copies segments that are in the receive buffer to memory that outlives the next read.
    @inline(__always)
    mutating func adoptBorrowed(_ buffers: ReactorBuffers) {
        if segments.borrowedCount > 0 { adoptSegments(buffers) }
    }

    @inline(never)
    private mutating func adoptSegments(_ buffers: ReactorBuffers) {
        segments.adoptBorrowed { segment in
            let owner = buffers.memory(for: segment.byteCount)
            let borrowed = unsafe UnsafeRawBufferPointer(start: segment.start, count: segment.byteCount)
            owner.bytes.append(contentsOf: unsafe Span<UInt8>(_unsafeBytes: borrowed))
            unsafe segment.start = owner.bytes.withUnsafeBytes { unsafe $0.baseAddress.unsafelyUnwrapped }
            segment.owner = owner
            segment.capacity = owner.bytes.capacity
        }
    }

    /// Adds the unsent pieces in the order in which they leave, as many as fit, up to the next message with descriptors
    /// behind the first piece. Valid until the queue is changed.
    func gather(into list: inout GatherList) {
        unsafe bytes.withUnsafeBytes { copied in
            var offset = 0
            for index in 0..<segments.count {
                let segment = segments[index]
                let end = self.offset(of: segment)
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset..<end]))
                if segment.startsOwnWrite, list.count > 0 { return }
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(start: segment.start, count: segment.byteCount))
                offset = end
            }
            guard !list.isFull else { return }
            unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset...]))
        }
    }

    /// Removes the bytes that the kernel took, and determines the rest of the frame that was cut.
    mutating func didWrite(_ count: Int, _ framing: any MessageFraming) {
        guard count > 0 else { return }
        let cut = cut(at: count, framing)
        startedByteCount = cut.remainder
        removeMessages(cut.messageCount, leaving: byteCount - count)
        if isContiguous { bytes.removeFirst(count) } else { removeGathered(count) }
    }

    /// Subtracts the messages that are completely written, and returns their number. A framing may find other
    /// boundaries in its encoded frames than there were, or none, as `RawFraming` does. But while a byte is left, a
    /// message is, and with the last byte goes the last message.
    @discardableResult
    mutating func removeMessages(_ count: Int, leaving byteCount: Int) -> Int {
        let left = byteCount == 0 ? 0 : max(messageCount - count, min(messageCount, 1))
        defer { messageCount = left }
        return messageCount - left
    }

    private mutating func removeGathered(_ count: Int) {
        var left = count
        var sent = 0
        var passed = 0
        while sent < segments.count {
            let segment = segments[sent]
            let offset = offset(of: segment)
            let ofBytes = min(left, offset - passed)
            passed += ofBytes
            left -= ofBytes
            let ofBody = min(left, segment.byteCount)
            let isStarted = ofBody > 0 || passed > offset - segment.envelope.prefixByteCount
            left -= ofBody
            guard segments.advance(sent, by: ofBody, isStarted: isStarted) else { break }
            sent += 1
        }
        passed += segments.count == sent ? left : 0
        segments.removeFirst(sent)
        removeFirstBytes(passed)
    }

    private mutating func removeFirstBytes(_ count: Int) {
        bytes.removeFirst(count)
        removedByteCount += count
    }

    /// Frees memory that a queue does not need while it waits: a burst that is mostly written may have needed much
    /// more.
    mutating func trim() {
        if bytes.capacity > 64 << 10, bytes.capacity / 4 > bytes.byteCount { shrink() }
    }

    /// Frees all memory of the buffer that its contents do not need.
    mutating func shrink() {
        guard bytes.capacity > bytes.byteCount else { return }
        var small = FrameBuffer()
        small.reserveCapacity(bytes.byteCount)
        small.append(contentsOf: bytes.span)
        bytes = small
    }

    /// Resets a contiguous queue, but keeps its memory.
    mutating func clear() {
        messageCount = 0
        startedByteCount = 0
        bytes.removeFirst(bytes.byteCount)
    }

    /// Removes the large messages.
    mutating func clearSegments() { segments.removeAll() }

    /// Removes whole frames behind the started one, in constant time for each.
    mutating func remove(from start: Cursor, to end: Cursor) {
        let count = end.offset - start.offset
        if start.index == 0 {
            segments.removeFirst(end.index)
        } else {
            segments.removeBehindFirst(upTo: end.index, movingFirstBy: count)
        }
        bytes.remove(start.offset..<end.offset)
        removedByteCount += count
    }

    /// Moves the rest of a started frame out of the buffer, so that dropping the frames behind it need not move the
    /// rest each time. The copy is paid for once, by the write that was cut.
    mutating func detachStarted() {
        guard segments.isEmpty || !segments[0].isStarted, startedByteCount > Self.movedByteCount else { return }
        let owner = SharedBuffer()
        owner.bytes.append(contentsOf: bytes.span.extracting(first: startedByteCount))
        removeFirstBytes(startedByteCount)
        guard let start = unsafe owner.bytes.withUnsafeBytes({ $0.baseAddress }) else { return }
        unsafe segments.prepend(
            InPlaceSegment(
                position: removedByteCount, start: start, byteCount: startedByteCount, owner: owner,
                envelope: FrameEnvelope(), capacity: owner.bytes.capacity, isStarted: true))
    }

    /// The size up to which moving the rest each time is cheaper.
    private static let movedByteCount = 256
}
