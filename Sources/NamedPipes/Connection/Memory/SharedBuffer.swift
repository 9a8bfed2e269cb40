// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// A separate allocation for something large. Its owners are the reassembly buffer that is read into it, the messages
/// that were kept from it, and the send queues that write it. Only a sole owner may change it.
///
/// When the last owner releases it, the memory returns to the pool that it came from, if that happens on the reactor's
/// thread.
final class SharedBuffer {
    // Checked for overlapping accesses in debug builds only: nothing is called while it is changed, and the checks took
    // 270 of 1,790 instructions of a message to async code.
    #if DEBUG
    var bytes: FrameBuffer
    #else
    @safe @exclusivity(unchecked) var bytes: FrameBuffer
    #endif
    private let pool: LargeBufferPool?

    /// The descriptors that came with the one message in this memory. Set before any other owner exists.
    var descriptors: KeptDescriptors?

    init(_ bytes: consuming FrameBuffer = FrameBuffer(), pool: LargeBufferPool? = nil) {
        self.bytes = bytes
        self.pool = pool
    }

    /// Calls a function with the bytes, in place. They must not be changed meanwhile.
    func withBytes<Result: ~Copyable, Failure: Error>(
        _ use: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe bytes.withUnsafeBytes { bytes throws(Failure) in
            try unsafe use(Span<UInt8>(_unsafeBytes: bytes))
        }
    }

    /// Has a function write behind the bytes, where there is room for this many.
    ///
    /// - Parameter body: gets the room, exactly `count` bytes, and returns how many of them it wrote.
    @inline(__always)
    func readBehind<Failure: Error>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        _ = try unsafe bytes.withUnsafeFreeSpace(minimumCapacity: count) { free throws(Failure) in
            try unsafe body(UnsafeMutableRawBufferPointer(rebasing: free[..<count]))
        }
    }

    deinit {
        guard let pool, pool.executor.isCurrent else { return }
        var memory = FrameBuffer()
        swap(&memory, &bytes)
        pool.recycle(memory)
    }
}
