// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc

/// An `eventfd(2)`, with which one thread ends another's wait. Any number of signals make one readable counter.
struct WakeUp: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// - Parameter blocking: whether ``wait()`` waits for a signal, or returns at once.
    init(blocking: Bool = false) throws(SystemError) {
        let flags = Int32(EFD_CLOEXEC) | (blocking ? 0 : Int32(EFD_NONBLOCK))
        descriptor = OwnedDescriptor(taking: try systemCall("eventfd") { eventfd(0, flags) })
    }

    var rawDescriptor: Int32 { descriptor.rawValue }

    /// Makes the counter readable. From any thread.
    func signal() {
        var one: UInt64 = 1
        // Would-block means the counter is full: then it is readable already.
        infallibleCall("write") { unsafe write(descriptor.rawValue, &one, 8) }
    }

    /// Waits for a signal, at most for this many milliseconds, or for ever with -1; then takes all signals so far.
    func wait(atMost milliseconds: Int32) {
        var entry = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        do {
            _ = try systemCall("poll") { unsafe poll(&entry, 1, milliseconds) }
        } catch {
            // Out of memory for a moment (ENOMEM). Returning at once would make the caller spin; waiting a little and
            // returning early does no harm.
            usleep(10_000)
        }
        wait()
    }

    /// Takes all signals so far.
    func wait() {
        var counter: UInt64 = 0
        infallibleCall("read") { unsafe read(descriptor.rawValue, &counter, 8) }
    }
}
