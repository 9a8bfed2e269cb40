// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

extension Directory {
    /// Makes a FIFO (`mkfifoat(3)`); the umask still removes bits of the mode.
    func makeFIFO(_ name: String, mode: UInt16) throws(SystemError) {
        _ = try systemCall("mkfifoat") { unsafe mkfifoat(descriptor.rawValue, name, mode_t(mode)) }
    }

    /// Opens a FIFO for reading and writing, without blocking (fifo(7)): as long as it has a writer, which is this
    /// process itself, no reader finds an end.
    func openFIFO(_ name: String) throws(SystemError) -> OwnedDescriptor {
        let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        return OwnedDescriptor(
            taking: try systemCall("openat") { unsafe openat(descriptor.rawValue, name, flags) })
    }
}

extension SharedDescription {
    /// Reads and discards what a pipe holds, at most `limit` bytes.
    static func discard(_ descriptor: Int32, atMost limit: Int) {
        var space = [UInt8](repeating: 0, count: 64 << 10)
        var left = limit
        while left > 0 {
            let count = attemptCall("read") { unsafe read(descriptor, &space, space.count) }
            guard let count, count > 0 else { return }
            left -= count
        }
    }
}
