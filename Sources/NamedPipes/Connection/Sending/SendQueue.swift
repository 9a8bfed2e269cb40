// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Encoded frames on their way to the kernel, and what is known of where one message ends and the next begins.
///
/// Small messages are copied into one buffer. A large one is left where it lies (``InPlaceSegment``): only its envelope
/// is in the buffer, and it leaves between the two in a gathered write.
///
/// A connection borrows a queue from its reactor's ``ReactorBuffers`` while something waits, and gives it back when all
/// is written.
struct SendQueue: ~Copyable {
    /// The unsent bytes that were copied here. Frames are appended whole.
    var bytes = FrameBuffer()

    /// The large messages between them, in order.
    private(set) var insertions = InPlaceSegmentList()

    /// How many bytes have left the buffer at its front, or were dropped from it; ``InPlaceSegment/position`` counts
    /// them.
    private var removedByteCount = 0

    /// The bytes of all insertions.
    var insertedByteCount: Int { insertions.byteCount }

    /// How many bytes at the front belong to a frame whose beginning has already been written.
    private(set) var startedByteCount = 0

    /// How many messages are here, with one that has been begun: what is appended here is counted by those who append
    /// it.
    var messageCount = 0

    /// Up to how many bytes the queue may be filled before ``QueueAdmission`` has to be asked again.
    var prepaidByteCount = 0

    /// The memory, in the ledger of the connection's owner; nothing while there is little and it leaves in this turn.
    var charge = ByteCharge(for: .queued)

    /// When the kernel took something the last time, in ticks of ``DeadlineSweep``; counts while something waits.
    var tookLastTick: UInt32 = 0

    /// The next one in the reserve of ``ReactorBuffers``, while this one lies there.
    var nextInReserve: SendQueueSlot?

    var byteCount: Int { bytes.byteCount &+ insertions.byteCount }

    /// Whether a message of this size, its header allowed for, is taken without any question: see ``QueueAdmission``.
    @inline(__always)
    func isPrepaid(_ messageByteCount: Int) -> Bool { byteCount &+ messageByteCount <= prepaidByteCount }

    /// The memory that it keeps.
    var capacity: Int { bytes.capacity + insertions.capacity }

    var isEmpty: Bool { byteCount == 0 }

    /// Whether all is in one piece.
    var isContiguous: Bool { insertions.byteCount == 0 }

    /// Appends one frame whose body stays where it is.
    ///
    /// - Parameters:
    ///   - owner: holds the memory of `body`; nil if that is valid until ``adoptBorrowed(_:)`` only.
    ///   - capacity: how much memory that keeps, which may be more than the body.
    ///   - envelope: appends the envelope; nil from it means that the framing has none, and nothing happens here.
    /// - Returns: whether it was appended.
    mutating func append<Failure: Error>(
        inPlace body: UnsafeRawBufferPointer, _ owner: AnyObject?, capacity: Int,
        envelope: (inout FrameBuffer) throws(Failure) -> FrameEnvelope?
    ) throws(Failure) -> Bool {
        let before = bytes.byteCount
        guard let start = body.baseAddress, let envelope = try envelope(&bytes) else { return false }
        unsafe insertions.append(
            InPlaceSegment(
                position: removedByteCount + before + envelope.prefixByteCount, start: start, byteCount: body.count,
                owner: owner, envelope: envelope, capacity: capacity))
        return true
    }

    /// Where an insertion's body is to leave, in the buffer's bytes.
    func offset(of insertion: InPlaceSegment) -> Int { insertion.position - removedByteCount }

    /// Copies what lies in the receive space to memory that lasts.
    @inline(__always)
    mutating func adoptBorrowed(_ buffers: ReactorBuffers) {
        if insertions.borrowedCount > 0 { adoptInsertions(buffers) }
    }

    @inline(never)
    private mutating func adoptInsertions(_ buffers: ReactorBuffers) {
        insertions.adoptBorrowed { insertion in
            let owner = buffers.memory(for: insertion.byteCount)
            let borrowed = unsafe UnsafeRawBufferPointer(start: insertion.start, count: insertion.byteCount)
            owner.bytes.append(contentsOf: unsafe Span<UInt8>(_unsafeBytes: borrowed))
            unsafe insertion.start = owner.bytes.withUnsafeBytes { unsafe $0.baseAddress.unsafelyUnwrapped }
            insertion.owner = owner
            insertion.capacity = owner.bytes.capacity
        }
    }

    /// Adds what is unsent, as far as there is room, in the order in which it leaves. Valid until the queue is changed.
    func gather(into list: inout GatherList) {
        unsafe bytes.withUnsafeBytes { copied in
            var offset = 0
            for index in 0..<insertions.count {
                let insertion = insertions[index]
                let end = self.offset(of: insertion)
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset..<end]))
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(start: insertion.start, count: insertion.byteCount))
                offset = end
            }
            guard !list.isFull else { return }
            unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset...]))
        }
    }

    /// Removes what the kernel took, and finds out where the frame that was cut began.
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
        while sent < insertions.count {
            let insertion = insertions[sent]
            let offset = offset(of: insertion)
            let ofBytes = min(left, offset - passed)
            passed += ofBytes
            left -= ofBytes
            let ofBody = min(left, insertion.byteCount)
            let isStarted = ofBody > 0 || passed > offset - insertion.envelope.prefixByteCount
            left -= ofBody
            guard insertions.advance(sent, by: ofBody, isStarted: isStarted) else { break }
            sent += 1
        }
        passed += insertions.count == sent ? left : 0
        insertions.removeFirst(sent)
        removeFirstBytes(passed)
    }

    private mutating func removeFirstBytes(_ count: Int) {
        bytes.removeFirst(count)
        removedByteCount += count
    }

    /// Gives memory back that a queue which has to wait does not need. A moment's burst may have left much more.
    mutating func trim() {
        guard bytes.capacity > 64 << 10, bytes.capacity / 4 > bytes.byteCount else { return }
        var small = FrameBuffer()
        small.append(contentsOf: bytes.span)
        bytes = small
    }

    /// Makes a contiguous one as new, but for the memory that it keeps.
    mutating func clear() {
        messageCount = 0
        startedByteCount = 0
        bytes.removeFirst(bytes.byteCount)
    }

    /// Lets the large messages go.
    mutating func clearInsertions() { insertions.removeAll() }

    /// Drops whole frames behind what has been begun, in constant time for each.
    mutating func remove(from start: Cursor, to end: Cursor) {
        let count = end.offset - start.offset
        if start.index == 0 {
            insertions.removeFirst(end.index)
        } else {
            insertions.removeBehindFirst(upTo: end.index, movingFirstBy: count)
        }
        bytes.remove(start.offset..<end.offset)
        removedByteCount += count
    }

    /// Takes the rest of a frame that has been begun out of the buffer, so that dropping what lies behind it need not
    /// move it each time: a copy that is paid for once, by the write that was cut.
    mutating func detachStarted() {
        guard insertions.isEmpty || !insertions[0].isStarted, startedByteCount > Self.movedByteCount else { return }
        let owner = SharedBuffer()
        owner.bytes.append(contentsOf: bytes.span.extracting(first: startedByteCount))
        removeFirstBytes(startedByteCount)
        guard let start = unsafe owner.bytes.withUnsafeBytes({ $0.baseAddress }) else { return }
        unsafe insertions.prepend(
            InPlaceSegment(
                position: removedByteCount, start: start, byteCount: startedByteCount, owner: owner,
                envelope: FrameEnvelope(), capacity: owner.bytes.capacity, isStarted: true))
    }

    /// So little is rather moved.
    private static let movedByteCount = 256
}
