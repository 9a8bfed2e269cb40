// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// An inotify instance (`inotify(7)`): non-blocking, close-on-exec, closed when this value ends.
///
/// A user has few instances (`fs.inotify.max_user_instances`, often 128), and closing one takes the kernel some 10 ms.
///
/// Events are nudges here: they are discarded, and their receiver examines the present state. Lost events
/// (`IN_Q_OVERFLOW`), merged ones and late ones then do no harm.
struct Inotify: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// - Throws: ``SystemError``: `EMFILE` at the limit of instances or descriptors, `ENOMEM`.
    init() throws(SystemError) {
        let flags = Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)
        descriptor = OwnedDescriptor(taking: try systemCall("inotify_init1") { inotify_init1(flags) })
    }

    /// Readable when there are events.
    var rawDescriptor: Int32 { descriptor.rawValue }

    /// Watches a path; returns the number of the watch, the same again for the same file.
    ///
    /// - Throws: ``SystemError``: `ENOSPC` at the limit of watches, or the error that `open(2)` would have for the
    ///   path.
    func add(_ path: String, _ mask: Int32) throws(SystemError) -> Int32 {
        try systemCall("inotify_add_watch") {
            unsafe inotify_add_watch(descriptor.rawValue, path, UInt32(bitPattern: mask))
        }
    }

    /// Ends a watch. Fails, without consequence, if its file is gone, because that ended the watch already.
    func remove(_ watch: Int32) {
        attemptCall("inotify_rm_watch") { inotify_rm_watch(descriptor.rawValue, watch) }
    }

    /// Discards all waiting events.
    func discardEvents() throws(SystemError) {
        let number = descriptor.rawValue
        // Room for at least one event with the longest name (inotify(7)).
        var events = [UInt8](repeating: 0, count: 4096)
        while case .content = try readCall("read", { unsafe read(number, &events, events.count) }) {}
    }
}
