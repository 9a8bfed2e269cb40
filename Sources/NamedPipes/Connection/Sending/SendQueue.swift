// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Encoded frames on their way to the kernel, and where one message ends and the next begins, as far as that is known.
///
/// Small messages are copied into one buffer. A large one is left where it lies (``InPlaceSegment``): only its envelope
/// is in the buffer, and it leaves between the two in a gathered write.
///
/// A connection borrows a queue from its reactor's ``ReactorBuffers`` while something waits, and gives it back when
/// everything is written.
struct SendQueue: ~Copyable {
    /// The unsent bytes that were copied here, in whole frames but for the first.
    var bytes = FrameBuffer()

    /// The large messages between those bytes, in order.
    private(set) var segments = InPlaceSegmentList()

    /// How many bytes have left the buffer at its front, or were dropped from it; ``InPlaceSegment/position`` counts
    /// them.
    private var removedByteCount = 0

    /// How many bytes at the front belong to a frame whose beginning has already been written.
    private(set) var startedByteCount = 0

    /// How many messages are here, with one that has been begun: what is appended here is counted by those who append
    /// it.
    var messageCount = 0

    /// Up to how many bytes the queue may be filled before ``QueueAdmission`` has to be asked again.
    var prepaidByteCount = 0

    /// What the ledger of the connection's owner is charged for its memory: nothing while that is little and leaves in
    /// this turn.
    var charge = ByteCharge(for: .queued)

    /// When the kernel last took something, in ticks of ``DeadlineSweep``; of use while something waits.
    var tookLastTick: UInt32 = 0

    /// The next one in the reserve of ``ReactorBuffers``, while this one lies there.
    var nextFree: SendQueueSlot?

    var byteCount: Int { bytes.byteCount &+ segments.byteCount }

    /// Whether a message of this size, its header allowed for, is taken without any question: see ``QueueAdmission``.
    @inline(__always)
    func isPrepaid(_ messageByteCount: Int) -> Bool { byteCount &+ messageByteCount <= prepaidByteCount }

    /// The memory that it keeps.
    var capacity: Int { bytes.capacity + segments.capacity }

    var isEmpty: Bool { byteCount == 0 }

    /// Whether everything lies in one piece.
    var isContiguous: Bool { segments.byteCount == 0 }

    /// Appends one frame whose body stays where it is.
    ///
    /// - Parameters:
    ///   - owner: holds the memory of `body`; nil if that is valid only until ``adoptBorrowed(_:)``.
    ///   - capacity: how much memory the owner keeps, which may be more than the body.
    ///   - envelope: appends the envelope; nil from it means that the framing has none, and nothing happens here.
    /// - Returns: whether it was appended.
    mutating func append<Failure: Error>(
        inPlace body: UnsafeRawBufferPointer, _ owner: AnyObject?, capacity: Int,
        envelope: (inout FrameBuffer) throws(Failure) -> FrameEnvelope?
    ) throws(Failure) -> Bool {
        let before = bytes.byteCount
        guard let start = body.baseAddress, let envelope = try envelope(&bytes) else { return false }
        unsafe segments.append(
            InPlaceSegment(
                position: removedByteCount + before + envelope.prefixByteCount, start: start, byteCount: body.count,
                owner: owner, envelope: envelope, capacity: capacity))
        return true
    }

    /// Where a segment's body is to leave, in the buffer's bytes.
    func offset(of segment: InPlaceSegment) -> Int { segment.position - removedByteCount }

    /// Copies segments that lie in the receive space to memory that lasts.
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

    /// Adds the unsent pieces in the order in which they leave, as many as fit. Valid until the queue is changed.
    func gather(into list: inout GatherList) {
        unsafe bytes.withUnsafeBytes { copied in
            var offset = 0
            for index in 0..<segments.count {
                let segment = segments[index]
                let end = self.offset(of: segment)
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset..<end]))
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(start: segment.start, count: segment.byteCount))
                offset = end
            }
            guard !list.isFull else { return }
            unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset...]))
        }
    }

    /// Removes the bytes that the kernel took, and finds out how much is left of the frame that was cut.
    mutating func didWrite(_ count: Int, _ framing: any MessageFraming) {
        guard count > 0 else { return }
        let cut = cut(at: count, framing)
        startedByteCount = cut.remainder
        removeMessages(cut.messageCount, leaving: byteCount - count)
        if isContiguous { bytes.removeFirst(count) } else { removeGathered(count) }
    }

    /// Counts messages that go, and returns their number. A framing may find other boundaries in what it has encoded
    /// than there were, or none, as `RawFraming` does. But while a byte is left, a message is, and with the last byte
    /// goes the last message.
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

    /// Frees memory that a queue does not need while it waits: a burst that has mostly left may have taken much more.
    mutating func trim() {
        guard bytes.capacity > 64 << 10, bytes.capacity / 4 > bytes.byteCount else { return }
        var small = FrameBuffer()
        small.append(contentsOf: bytes.span)
        bytes = small
    }

    /// Makes a contiguous queue as new, except that it keeps its memory.
    mutating func clear() {
        messageCount = 0
        startedByteCount = 0
        bytes.removeFirst(bytes.byteCount)
    }

    /// Removes the large messages.
    mutating func clearSegments() { segments.removeAll() }

    /// Removes whole frames behind the one that has been begun, in constant time for each.
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

    /// Moves the rest of a frame that has been begun out of the buffer, so that dropping frames behind it need not move
    /// it each time. The copy is paid for once, by the write that was cut.
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

    /// A rest of up to this many bytes is cheaper to move each time.
    private static let movedByteCount = 256
}
