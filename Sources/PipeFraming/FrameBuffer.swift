// SPDX-License-Identifier: Apache-2.0

/// A growing queue of bytes: written at its end, read at its front, with exactly one owner.
///
/// A framing appends frames to one (``MessageFraming/encode(_:into:)``); a connection sends from its front. An empty
/// buffer owns no memory until the first append, so an idle connection costs four words. Appending is one check of the
/// room and one copy; `removeFirst` moves an index. Space at the front is reused only when at least as many bytes were
/// removed as have to be moved there, so every byte is moved a bounded number of times.
///
/// It is not `Sendable`: it belongs to the thread that owns the connection.
@safe
public struct FrameBuffer: ~Copyable {
    // The memory's pointer leaves this module only for the duration of a closure. Bytes head..<tail are initialised and
    // unread; `memory` is nil exactly when nothing is allocated.
    @usableFromInline var memory: UnsafeMutablePointer<UInt8>?
    @usableFromInline var head: Int
    @usableFromInline var tail: Int
    @usableFromInline var allocatedByteCount: Int

    /// Creates an empty buffer, which allocates nothing.
    @inlinable
    public init() {
        unsafe memory = nil
        head = 0
        tail = 0
        allocatedByteCount = 0
    }

    deinit { deallocate() }

    /// How many bytes are unread.
    @inlinable
    public var byteCount: Int { tail &- head }

    /// Whether no byte is unread.
    @inlinable
    public var isEmpty: Bool { head == tail }

    /// The size of the present allocation in bytes, including removed bytes at its front. 0 if there is none.
    @inlinable
    public var capacity: Int { allocatedByteCount }

    /// The unread bytes, in place. The compiler ensures that the buffer does not change during the access.
    @inlinable
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let unread = unsafe UnsafeBufferPointer(start: memory.map { unsafe $0 + head }, count: byteCount)
            let span = unsafe Span(_unsafeElements: unread)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

// MARK: - Appending

extension FrameBuffer {
    /// Appends one byte.
    @inlinable
    public mutating func append(_ byte: UInt8) {
        unsafe extend(by: 1).pointee = byte
    }

    /// Appends a copy of `bytes`.
    @inlinable
    public mutating func append(contentsOf bytes: Span<UInt8>) {
        let count = bytes.count
        guard count > 0 else { return }
        let room = unsafe extend(by: count)
        unsafe Self.copy(bytes, to: room)
    }

    /// Appends the bytes of an ASCII text, such as a header.
    @inlinable
    package mutating func append(contentsOf text: String.UTF8View) {
        append(contentsOf: text.span)
    }

    /// Appends the bytes of `value`, the most significant first: network byte order, as `htonl(3)` makes it.
    @inlinable
    public mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Value) {
        let room = unsafe extend(by: MemoryLayout<Value>.size)
        unsafe UnsafeMutableRawPointer(room).storeBytes(of: value.bigEndian, as: Value.self)
    }

    /// Appends the bytes of `value`, the least significant first.
    @inlinable
    public mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(littleEndian value: Value) {
        let room = unsafe extend(by: MemoryLayout<Value>.size)
        unsafe UnsafeMutableRawPointer(room).storeBytes(of: value.littleEndian, as: Value.self)
    }

    /// Extends the unread bytes by `count` uninitialised ones, which the caller writes at once.
    @inlinable
    mutating func extend(by count: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity &- tail < count { makeRoom(for: count) }
        let room = unsafe memory.unsafelyUnwrapped + tail
        tail &+= count
        return unsafe room
    }

    /// Copies all of `bytes` to `room`, which has at least as much space.
    @inlinable
    @inline(__always)
    static func copy(_ bytes: Span<UInt8>, to room: UnsafeMutablePointer<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            // They never overlap, but finding that out costs more than `memmove` does.
            unsafe UnsafeMutableRawPointer(room).copyMemory(from: start, byteCount: source.count)
        }
    }
}

// MARK: - Removing

extension FrameBuffer {
    /// Removes the first `count` unread bytes in constant time. More than there are is a programmer error.
    @inlinable
    public mutating func removeFirst(_ count: Int) {
        precondition(count >= 0 && count <= byteCount, "removing more bytes than the buffer holds")
        head &+= count
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// Removes every byte.
    ///
    /// - Parameter keepingCapacity: whether the memory is kept for what comes next. The default is to free it.
    public mutating func removeAll(keepingCapacity: Bool = false) {
        head = 0
        tail = 0
        if !keepingCapacity {
            deallocate()
            unsafe memory = nil
            allocatedByteCount = 0
        }
    }
}
