// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Distinguishes a process from the children that it forks: a page of memory with the process ID, which a child gets as
/// zeros from the kernel (`MADV_WIPEONFORK`, madvise(2), since Linux 4.14).
///
/// Unlike getpid(2), a look at it is no system call, so that each turn of a loop can check. Unlike a handler of
/// pthread_atfork(3), it notices every way of forking.
@safe
struct ForkMark: Sendable {
    /// The only instance of the process, never released.
    static let shared = ForkMark()

    /// Nil if the kernel cannot wipe the page: then each check is a system call.
    private nonisolated(unsafe) let processID: UnsafeMutablePointer<Atomic<Int32>>?

    private init() {
        let size = sysconf(Int32(_SC_PAGESIZE))
        let page = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let page = unsafe page, unsafe page != MAP_FAILED else {
            unsafe processID = nil
            return
        }
        // MADV_WIPEONFORK, which older headers of Glibc lack.
        guard unsafe madvise(page, size, 18) == 0 else {
            _ = unsafe munmap(page, size)
            unsafe processID = nil
            return
        }
        let place = unsafe page.bindMemory(to: Atomic<Int32>.self, capacity: 1)
        unsafe place.initialize(to: Atomic(0))
        unsafe processID = place
    }

    /// The process ID of the caller (`getpid(2)`).
    static var callingProcessID: Int32 { getpid() }

    /// Marks the memory of this process. A child may do the same with its copy, for objects that it makes itself.
    func set(by process: Int32) { unsafe processID?.pointee.store(process, ordering: .relaxed) }

    /// Whether the calling process is the one with this ID.
    @inline(__always)
    func isSet(by process: Int32) -> Bool {
        guard let processID = unsafe processID else { return process == Self.callingProcessID }
        return unsafe processID.pointee.load(ordering: .relaxed) == process
    }
}
