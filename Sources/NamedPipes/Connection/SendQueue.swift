// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Encoded frames on their way to the kernel, and what is known of where one message ends and the next begins.
///
/// Small messages are copied into one buffer. A large one is left where it lies (``Insertion``): only its envelope is in
/// the buffer, and it leaves between the two in a gathered write.
///
/// A connection borrows a queue from its reactor's ``TransferBuffers`` while something waits, and gives it back when all
/// is written.
struct SendQueue: ~Copyable {
    /// The unsent bytes that were copied here. Frames are appended whole.
    var bytes = FrameBuffer()

    /// The large messages between them, in order.
    private(set) var insertions: [Insertion] = []

    /// The bytes of all insertions.
    private(set) var insertedByteCount = 0

    /// How many bytes at the front belong to a frame whose beginning has already been written.
    private(set) var startedByteCount = 0

    /// Up to how many bytes another small message is taken without any question.
    var allowedByteCount = 0

    /// The memory, in the ledger of the connection's owner; nothing while there is little and it leaves in this turn.
    var charge = ByteCharge(for: .queued)

    /// When the kernel took something the last time, in ticks of ``DeadlineSweep``; counts while something waits.
    var tookLastTick: UInt32 = 0

    /// The memory that the insertions keep.
    private var insertedCapacity = 0

    /// The next one in the reserve of ``TransferBuffers``, while this one lies there.
    var nextInReserve: SendQueueSlot?

    /// A large message that leaves from where it lies.
    @safe
    struct Insertion {
        /// How many unsent bytes of the buffer leave before it.
        var position: Int
        var start: UnsafeRawPointer
        var byteCount: Int
        /// What keeps the memory. Nil while it lies in the reactor's receive space, which the next read overwrites.
        var owner: AnyObject?
        var envelope: FrameEnvelope
        /// How much memory it keeps, also when a part of it has left.
        var capacity: Int
        /// Whether a byte of its frame was written.
        var isStarted = false
    }

    var byteCount: Int { bytes.byteCount &+ insertedByteCount }

    /// The memory that it keeps.
    var capacity: Int { bytes.capacity + insertedCapacity }

    var isEmpty: Bool { byteCount == 0 }

    /// Whether all is in one piece.
    var isContiguous: Bool { insertedByteCount == 0 }

    /// Appends one frame whose body stays where it is.
    ///
    /// - Parameters:
    ///   - owner: holds the memory of `body`; nil if that is valid until ``adoptBorrowed(_:)`` only.
    ///   - capacity: how much memory that keeps; nil for the size of the body.
    ///   - envelope: appends the envelope; nil from it means that the framing has none, and nothing happens here.
    /// - Returns: whether it was appended.
    mutating func append<Failure: Error>(
        inPlace body: UnsafeRawBufferPointer, _ owner: AnyObject?, capacity: Int? = nil,
        envelope: (inout FrameBuffer) throws(Failure) -> FrameEnvelope?
    ) throws(Failure) -> Bool {
        let before = bytes.byteCount
        guard let start = body.baseAddress, let envelope = try envelope(&bytes) else { return false }
        let capacity = capacity ?? body.count
        unsafe insertions.append(
            Insertion(
                position: before + envelope.prefixByteCount, start: start, byteCount: body.count, owner: owner,
                envelope: envelope, capacity: capacity))
        insertedByteCount += body.count
        insertedCapacity += capacity
        return true
    }

    /// Copies what lies in the receive space to memory that lasts.
    @inline(__always)
    mutating func adoptBorrowed(_ buffers: TransferBuffers) {
        if insertedByteCount > 0 { adoptInsertions(buffers) }
    }

    @inline(never)
    private mutating func adoptInsertions(_ buffers: TransferBuffers) {
        for index in insertions.indices where insertions[index].owner == nil {
            let owner = buffers.memory(for: insertions[index].byteCount)
            let borrowed = unsafe UnsafeRawBufferPointer(
                start: insertions[index].start, count: insertions[index].byteCount)
            owner.bytes.append(contentsOf: unsafe Span<UInt8>(_unsafeBytes: borrowed))
            unsafe insertions[index].start = owner.bytes.withUnsafeBytes { unsafe $0.baseAddress.unsafelyUnwrapped }
            insertions[index].owner = owner
            insertedCapacity += owner.bytes.capacity - insertions[index].capacity
            insertions[index].capacity = owner.bytes.capacity
        }
    }

    /// Adds what is unsent, as far as there is room, in the order in which it leaves. Valid until the queue is changed.
    func gather(into list: inout GatherList) {
        unsafe bytes.withUnsafeBytes { copied in
            var offset = 0
            for insertion in insertions {
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset..<insertion.position]))
                guard !list.isFull else { return }
                unsafe list.append(UnsafeRawBufferPointer(start: insertion.start, count: insertion.byteCount))
                offset = insertion.position
            }
            guard !list.isFull else { return }
            unsafe list.append(UnsafeRawBufferPointer(rebasing: copied[offset...]))
        }
    }

    /// Removes what the kernel took, and finds out where the frame that was cut began.
    mutating func didWrite(_ count: Int, _ framing: any MessageFraming) {
        guard count > 0 else { return }
        startedByteCount = remainder(cutAt: count, framing)
        if insertedByteCount == 0 { bytes.removeFirst(count) } else { removeGathered(count) }
    }

    private mutating func removeGathered(_ count: Int) {
        var left = count
        var sent = 0
        var passed = 0
        for index in insertions.indices {
            let ofBytes = min(left, insertions[index].position - passed)
            passed += ofBytes
            left -= ofBytes
            let ofBody = min(left, insertions[index].byteCount)
            let frameStart = insertions[index].position - insertions[index].envelope.prefixByteCount
            if ofBody > 0 || passed > frameStart { insertions[index].isStarted = true }
            unsafe insertions[index].start += ofBody
            insertions[index].byteCount -= ofBody
            insertedByteCount -= ofBody
            left -= ofBody
            guard insertions[index].byteCount == 0 else { break }
            insertedCapacity -= insertions[index].capacity
            sent += 1
        }
        passed += insertions.count == sent ? left : 0
        insertions.removeFirst(sent)
        bytes.removeFirst(passed)
        for index in insertions.indices { insertions[index].position -= passed }
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
        startedByteCount = 0
        bytes.removeFirst(bytes.byteCount)
    }

    /// Drops these large messages, but leaves their envelopes.
    mutating func dropInsertions(_ range: Range<Int>) {
        for insertion in insertions[range] {
            insertedByteCount -= insertion.byteCount
            insertedCapacity -= insertion.capacity
        }
        insertions.removeSubrange(range)
    }

    /// Moves insertions from the one with that index on to where their envelopes are, so many bytes further in front.
    mutating func moveInsertions(from index: Int, by byteCount: Int) {
        for index in index..<insertions.count { insertions[index].position -= byteCount }
    }

    /// Lets the large messages go.
    mutating func clearInsertions() {
        insertions.removeAll()
        insertedByteCount = 0
        insertedCapacity = 0
    }
}
