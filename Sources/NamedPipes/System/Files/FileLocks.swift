// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// An exclusive lock on a whole file (`flock(2)`). It ends with the last copy of its descriptor.
enum WholeFileLock {
    /// Takes the lock without waiting; false if another open file has it. Taking it again succeeds.
    static func take(_ file: borrowing OwnedDescriptor) throws(SystemError) -> Bool {
        let descriptor = file.rawValue
        return try nonBlockingCall("flock") { flock(descriptor, LOCK_EX | LOCK_NB) } != nil
    }

    /// Releases the lock for every copy of the descriptor, including one in a child between its fork and its exec.
    static func release(_ file: borrowing OwnedDescriptor) {
        let descriptor = file.rawValue
        attemptCall("flock") { flock(descriptor, LOCK_UN) }
    }
}

/// An exclusive lock on the first byte of a file: an open file description lock (`F_OFD_SETLK`, `fcntl(2)`), which ends
/// with its process and does not disturb a ``WholeFileLock`` on the same file.
enum FirstByteLock {
    // Not in Swift's Glibc, which is built without _GNU_SOURCE.
    private static let get: Int32 = 36
    private static let set: Int32 = 37

    /// Takes the lock without waiting; false if another open file has it.
    static func take(_ file: borrowing OwnedDescriptor) throws(SystemError) -> Bool {
        var range = firstByte(F_WRLCK)
        let descriptor = file.rawValue
        return try nonBlockingCall("fcntl") { unsafe fcntl(descriptor, set, &range) } != nil
    }

    static func release(_ file: borrowing OwnedDescriptor) {
        var range = firstByte(F_UNLCK)
        let descriptor = file.rawValue
        attemptCall("fcntl") { unsafe fcntl(descriptor, set, &range) }
    }

    /// Whether another open file has the lock; false if the kernel does not answer.
    static func isHeldElsewhere(_ file: borrowing OwnedDescriptor) -> Bool {
        var range = firstByte(F_WRLCK)
        let descriptor = file.rawValue
        let result = attemptCall("fcntl") { unsafe fcntl(descriptor, get, &range) }
        return result != nil && range.l_type != Int16(F_UNLCK)
    }

    private static func firstByte(_ type: Int32) -> Glibc.flock {
        var range = Glibc.flock()
        range.l_type = Int16(type)
        range.l_whence = Int16(SEEK_SET)
        range.l_len = 1
        return range
    }
}
