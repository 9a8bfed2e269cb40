// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Tells that something may have happened to one of some files: attributes, names, removal (`inotify(7)`), and, every
/// ten seconds, for what inotify does not tell: what happens to directories above them.
///
/// The files themselves are watched, not their directory: in a directory that others may write to, they could keep us
/// busy. One for all servers of a reactor: users have few of these (`fs.inotify.max_user_instances`, often 128), and
/// closing one takes the kernel some 10 ms.
///
/// An event is only a nudge, for everybody: who is nudged looks what there is.
final class FileWatcher: EventHandler {
    private var handlers: [UInt64: () -> Void] = [:]
    private var lastKey: UInt64 = 0
    // The sources first: epoll has to forget the descriptors before they are closed.
    private var inotifySource: EventSource?
    private var timerSource: EventSource?
    private let inotify: Inotify
    let timer: IntervalTimer

    private let secondsBetweenLooks: Int

    /// - Parameter secondsBetweenLooks: well within the half minute in which the loss of a name is promised to be
    ///   noticed.
    init(_ reactor: Reactor, secondsBetweenLooks: Int = 10) throws(SystemError) {
        self.secondsBetweenLooks = secondsBetweenLooks
        inotify = try Inotify()
        timer = try IntervalTimer()
        inotifySource = EventSource(reactor, borrowing: inotify.rawDescriptor, .readable, handler: self)
        timerSource = EventSource(reactor, borrowing: timer.rawDescriptor, .readable, handler: self)
        try inotifySource?.register()
        try timerSource?.register()
    }

    /// The reactor's; nil where the system allows no more, in which case it is asked again the next time.
    static func of(_ reactor: Reactor) -> FileWatcher? {
        let place = reactor.companion(Place.self) { Place() }
        do {
            let watcher = try place.watcher ?? FileWatcher(reactor)
            place.watcher = watcher
            return watcher
        } catch {
            return nil
        }
    }

    private final class Place {
        var watcher: FileWatcher?
    }

    /// Watches a file that exists and that this user may read.
    ///
    /// - Parameter changed: called on the reactor's thread, also when something else has changed, or nothing.
    func watch(
        _ path: String, followsLinks: Bool, _ changed: @escaping () -> Void
    ) throws(SystemError) -> FileWatch {
        let changes = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF
        let number = try inotify.add(path, changes | (followsLinks ? 0 : Int32(IN_DONT_FOLLOW)))
        if handlers.isEmpty { timer.set(every: secondsBetweenLooks) }
        lastKey += 1
        handlers[lastKey] = changed
        return FileWatch(self, number, lastKey)
    }

    fileprivate func end(_ number: Int32, _ key: UInt64) {
        handlers[key] = nil
        if handlers.isEmpty { timer.set(every: 0) }
        inotify.remove(number)
    }

    package func handle(_ readiness: Readiness) {
        // Events that cannot be discarded are still there, and the next turn is a nudge again.
        do { try inotify.discardEvents() } catch {}
        timer.discard()
        for handler in Array(handlers.values) { handler() }
    }
}

/// One watched file, as long as this is held.
final class FileWatch {
    private let watcher: FileWatcher
    private let number: Int32
    private let key: UInt64

    fileprivate init(_ watcher: FileWatcher, _ number: Int32, _ key: UInt64) {
        self.watcher = watcher
        self.number = number
        self.key = key
    }

    deinit { watcher.end(number, key) }
}
