// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NamedPipes

// The resources of the whole process. Only a test that has the process for itself can count them.

/// What the open descriptors are: `socket:[4711]`, `anon_inode:[eventpoll]`, paths.
package func openDescriptors() -> [String] {
    entries(of: "/proc/self/fd").compactMap { name in
        var target = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/fd/\(name)", &target, target.count)
        // The directory itself is open while it is read.
        let text = String(decoding: target.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return count > 0 && !text.hasSuffix("/fd") ? text : nil
    }
}

private func entries(of path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    // An entry is only as long as its name: the structure's 256 bytes must not be copied.
    let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
    while let entry = unsafe readdir(directory) {
        let name = unsafe UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
        names.append(unsafe String(cString: name))
    }
    return names.filter { $0 != "." && $0 != ".." }
}

/// How much CPU time the calling thread has used (`CLOCK_THREAD_CPUTIME_ID`). It is exact, while getrusage(2) counts
/// ticks and reports 0 for work that ends before the next tick.
package func threadTime() -> Duration {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// How often the calling thread has gone to sleep (getrusage(2), `ru_nvcsw`).
package func threadSleepCount() -> Int {
    var usage = rusage()
    _ = unsafe getrusage(RUSAGE_THREAD, &usage)
    return usage.ru_nvcsw
}

private let RUSAGE_THREAD: Int32 = 1

/// How much memory the process occupies now, in bytes.
package func residentByteCount() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return -1 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard unsafe fgets(&line, 256, file) != nil else { return -1 }
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let words = text.split(separator: " ")
    return words.count > 1 ? (Int(words[1]) ?? -1) * sysconf(Int32(_SC_PAGESIZE)) : -1
}

/// Whether this is a build with AddressSanitizer.
package var isAddressSanitized: Bool { unsafe dlsym(nil, "__asan_init") != nil }

/// Whether AddressSanitizer or ThreadSanitizer is at work.
package var isSanitized: Bool { unsafe isAddressSanitized || dlsym(nil, "__tsan_init") != nil }

/// A directory of one test, inside the temporary one. It is removed with its contents.
package final class FreshDirectory {
    package let path: String

    package init() throws(SystemError) {
        let template = (unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp") + "/pipe-test-XXXXXX"
        var bytes = Array(template.utf8CString)
        guard unsafe mkdtemp(&bytes) != nil else { throw SystemError(call: "mkdtemp", code: errno) }
        path = String(decoding: bytes.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The address of a socket file here.
    package func address(_ name: String = "pipe") throws -> PipeAddress { try .path("\(path)/\(name)") }

    package func make(_ name: String) throws(SystemError) {
        guard unsafe mkdir("\(path)/\(name)", 0o700) == 0 else { throw SystemError(call: "mkdir", code: errno) }
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        for name in entries(of: path) { remove("\(path)/\(name)") }
        if unsafe rmdir(path) != 0 { unsafe unlink(path) }
    }
}
