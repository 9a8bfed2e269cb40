// SPDX-License-Identifier: Apache-2.0

private import Glibc

// The memory of a FrameBuffer, and the access for system calls (other modules of this package only).

extension FrameBuffer {
    /// Makes room for `minimumCapacity` unread bytes in total, so that appending up to this number allocates nothing.
    /// Reserves exactly that, never more; never shrinks.
    public mutating func reserveCapacity(_ minimumCapacity: Int) {
        precondition(minimumCapacity >= 0, "a negative capacity")
        guard capacity - head < minimumCapacity else { return }
        if capacity >= minimumCapacity {
            moveUnreadToFront()
        } else {
            reallocate(capacity: minimumCapacity)
        }
    }

    /// Makes room for `count` more bytes behind the unread ones.
    ///
    /// Moving k bytes to the front is allowed only after at least k were removed, and growing at least doubles the
    /// memory. So the cost per appended byte is constant, and the capacity stays below four times the largest contents
    /// so far.
    @usableFromInline
    @inline(never)
    mutating func makeRoom(for count: Int) {
        let needed = capacity(afterAppending: count)
        if needed == capacity {
            moveUnreadToFront()
        } else {
            reallocate(capacity: needed)
        }
    }

    /// How many bytes can be appended before memory is moved or allocated.
    package var room: Int { capacity &- tail }

    /// The capacity to which an append of `count` bytes leads.
    package func capacity(afterAppending count: Int) -> Int {
        if count <= room { return capacity }
        let needed = byteCount + count
        if needed <= capacity, head >= byteCount { return capacity }
        return max(needed, capacity * 2, Self.smallestCapacity)
    }

    /// The first allocation of a buffer whose future size is unknown: a few small messages.
    private static var smallestCapacity: Int { 256 }

    /// Removes the bytes in `range`, counted from the first unread one. The bytes before them are moved.
    package mutating func remove(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "removing bytes that are not there")
        guard !range.isEmpty else { return }
        if let memory = unsafe memory {
            unsafe (memory + head + range.count).update(from: memory + head, count: range.lowerBound)
        }
        removeFirst(range.count)
    }

    private mutating func moveUnreadToFront() {
        let unreadCount = byteCount
        if let memory = unsafe memory {
            unsafe memory.update(from: memory + head, count: unreadCount)
        }
        head = 0
        tail = unreadCount
    }

    /// If the allocator has mapped the memory separately, as it mostly does with large blocks, the kernel moves the
    /// pages: the bytes are not copied, and not held twice for a moment.
    private mutating func reallocate(capacity newCapacity: Int) {
        if head > 0 { moveUnreadToFront() }
        // As in Swift's own allocations: a caller that appends could not continue without memory, and no caller checks
        // for it.
        guard let larger = unsafe realloc(memory, newCapacity) else { fatalError("no memory for \(newCapacity) bytes") }
        unsafe memory = larger.assumingMemoryBound(to: UInt8.self)
        allocatedByteCount = newCapacity
    }

    /// Frees the memory. The caller must not use it afterwards.
    func deallocate() { unsafe free(memory) }
}

extension FrameBuffer {
    /// Calls `body` with the unread bytes, for `write(2)`. The pointer is valid during the call only.
    @inlinable
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = unsafe memory.map { unsafe UnsafeRawPointer($0 + head) }
        return try unsafe body(UnsafeRawBufferPointer(start: start, count: byteCount))
    }

    /// Calls `body` with the free space behind the unread bytes, for `read(2)`; the bytes that it reports as written
    /// become unread. The pointer is valid during the call only.
    ///
    /// - Parameters:
    ///   - minimumCapacity: the minimum size of the space in bytes; the memory grows as for an append.
    ///   - body: writes from the beginning of the space and returns the number of bytes written, 0 if it failed.
    /// - Returns: the number of appended bytes.
    @inlinable
    @discardableResult
    package mutating func withUnsafeFreeSpace<Failure: Error>(
        minimumCapacity: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        precondition(minimumCapacity >= 0, "a negative capacity")
        if capacity &- tail < minimumCapacity { makeRoom(for: minimumCapacity) }
        let start = unsafe memory.map { unsafe UnsafeMutableRawPointer($0 + tail) }
        let space = unsafe UnsafeMutableRawBufferPointer(start: start, count: capacity &- tail)
        let appended = try unsafe body(space)
        precondition(appended >= 0 && appended <= space.count, "more bytes written than there was space")
        tail &+= appended
        return appended
    }
}
