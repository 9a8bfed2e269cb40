// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeReactor

/// Two descriptors that belong together: a pipe's ends, or two connected sockets.
struct Pair: ~Copyable {
    var near: OwnedDescriptor
    var far: OwnedDescriptor

    /// What is written to `far` can be read from `near`.
    static func pipe(blocking: Bool = false) -> Pair {
        var numbers: [Int32] = [-1, -1]
        precondition(unsafe Glibc.pipe(&numbers) == 0)
        return Pair(numbers, blocking: blocking)
    }

    static func sockets() -> Pair {
        var numbers: [Int32] = [-1, -1]
        precondition(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &numbers) == 0)
        return Pair(numbers, blocking: false)
    }

    private init(_ numbers: [Int32], blocking: Bool) {
        near = OwnedDescriptor(taking: numbers[0])
        far = OwnedDescriptor(taking: numbers[1])
        guard !blocking else { return }
        for number in numbers { _ = fcntl(number, F_SETFL, O_NONBLOCK) }
    }
}

/// A second descriptor for the same open file.
func duplicate(_ number: Int32) -> OwnedDescriptor { OwnedDescriptor(taking: dup(number)) }

/// A file that epoll does not take.
func openRegularFile() -> OwnedDescriptor {
    OwnedDescriptor(taking: unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC))
}

/// Writes one byte; false if it would block or the peer is gone.
@discardableResult
func put(_ descriptor: Int32, _ byte: UInt8 = 1) -> Bool {
    var byte = byte
    if unsafe send(descriptor, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 { return true }
    guard errno == ENOTSOCK else { return false }
    return unsafe write(descriptor, &byte, 1) == 1
}

/// Fills a socket until it takes no more; returns the number of bytes.
func fill(_ descriptor: Int32) -> Int {
    let bytes = [UInt8](repeating: 7, count: 4096)
    var total = 0
    while true {
        let count = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if count < 0 { return total }
        total += count
    }
}

/// Reads at most `count` bytes of what is there; returns the number of bytes.
@discardableResult
func take(_ descriptor: Int32, atMost limit: Int = .max) -> Int {
    var bytes = [UInt8](repeating: 0, count: 4096)
    var total = 0
    while total < limit {
        let count = unsafe read(descriptor, &bytes, min(bytes.count, limit - total))
        if count <= 0 { break }
        total += count
    }
    return total
}

func finishWriting(_ descriptor: Int32) { _ = shutdown(descriptor, Int32(SHUT_WR)) }

/// The value of an eventfd: its signals since it was last read.
func takeSignalCount(_ eventDescriptor: Int32) -> UInt64 {
    var count: UInt64 = 0
    return unsafe read(eventDescriptor, &count, 8) == 8 ? count : 0
}

/// Calls the body while this process can open no further descriptor. Only for processes that do nothing else.
func withoutDescriptors(_ body: () -> Void) {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    precondition(unsafe getrlimit(resource, &limit) == 0)
    let before = limit.rlim_cur
    limit.rlim_cur = 3
    precondition(unsafe setrlimit(resource, &limit) == 0)
    body()
    limit.rlim_cur = before
    precondition(unsafe setrlimit(resource, &limit) == 0)
}

/// `EPERM`.
let notPermitted = Glibc.EPERM
