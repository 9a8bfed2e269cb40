// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The pieces of one gathered write (`sendmsg(2)`), in order.
@safe
struct GatherList {
    private let vectors: UnsafeMutableBufferPointer<iovec>
    private(set) var count = 0

    /// The number of pieces in one call. The kernel's limit is 1,024 (`IOV_MAX`), but its buffers are full before that.
    static let capacity = 64

    fileprivate init(_ vectors: UnsafeMutableBufferPointer<iovec>) { unsafe self.vectors = vectors }

    /// Whether there is room for another piece.
    var isFull: Bool { count == Self.capacity }

    /// Adds a piece, unless it is empty. The list must not be full.
    mutating func append(_ piece: UnsafeRawBufferPointer) {
        guard piece.count > 0 else { return }
        unsafe vectors.initializeElement(
            at: count, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count))
        count += 1
    }

    /// The size of all pieces.
    var byteCount: Int {
        (0..<count).reduce(0) { sum, index in sum + (unsafe vectors[index].iov_len) }
    }
}

extension GatherList {
    /// The contents of the pieces in order, up to a limit: for data that is not written by a system call.
    static func copying(atMost limit: Int, _ fill: (inout GatherList) -> Void) -> [UInt8] {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: capacity) { vectors in
            var list = unsafe GatherList(vectors)
            fill(&list)
            return unsafe [UInt8](unsafeUninitializedCapacity: limit) { space, count in
                for index in 0..<list.count {
                    let piece = unsafe UnsafeRawBufferPointer(
                        start: vectors[index].iov_base, count: min(vectors[index].iov_len, limit - count))
                    let rest = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(space)[count...])
                    unsafe rest.copyMemory(from: piece)
                    count += piece.count
                }
            }
        }
    }
}

extension Socket {
    /// `sendmsg(2)` with `MSG_NOSIGNAL`: how many bytes of the pieces the kernel took, or nil if it takes none now.
    static func send(_ descriptor: Int32, gathering fill: (inout GatherList) -> Void) throws(SystemError) -> Int? {
        try unsafe send(descriptor, UnsafeMutableRawBufferPointer(start: nil, count: 0), gathering: fill)
    }

    /// The same with ancillary data (cmsg(3)), which goes with the first byte.
    static func send(
        _ descriptor: Int32, _ control: UnsafeMutableRawBufferPointer, gathering fill: (inout GatherList) -> Void
    ) throws(SystemError) -> Int? {
        try unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: GatherList.capacity) {
            vectors throws(SystemError) in
            var list = unsafe GatherList(vectors)
            fill(&list)
            var message = unsafe msghdr()
            unsafe message.msg_iov = vectors.baseAddress
            unsafe message.msg_iovlen = list.count
            unsafe message.msg_control = control.baseAddress
            unsafe message.msg_controllen = control.count
            return try nonBlockingCall("sendmsg") { unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL)) }
        }
    }
}
