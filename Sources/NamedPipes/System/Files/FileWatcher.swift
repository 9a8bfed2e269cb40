// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Reports that something may have happened to one of several files: changes of attributes, names, or existence
/// (`inotify(7)`); and also every ten seconds, for changes that inotify does not report, namely to directories above
/// them.
///
/// It watches the files themselves, not their directory: in a directory that others may write to, they could keep us
/// busy. One instance serves all servers of a reactor: a user has few of them (`fs.inotify.max_user_instances`, often
/// 128), and closing one takes the kernel some 10 ms.
///
/// An event is only a nudge, for all receivers: each checks the present state of its file.
final class FileWatcher: EventHandler {
    private var handlers: [UInt64: () -> Void] = [:]
    private var lastKey: UInt64 = 0
    // The sources first: epoll has to forget the descriptors before they are closed.
    private var inotifySource: EventSource?
    private var timerSource: EventSource?
    private let inotify: Inotify
    let timer: IntervalTimer

    private let secondsBetweenLooks: Int

    /// - Parameter secondsBetweenLooks: well within the half minute in which the library promises to notice the loss of
    ///   a name.
    init(_ reactor: Reactor, secondsBetweenLooks: Int = 10) throws(SystemError) {
        self.secondsBetweenLooks = secondsBetweenLooks
        inotify = try Inotify()
        timer = try IntervalTimer()
        inotifySource = EventSource(reactor, borrowing: inotify.rawDescriptor, .readable, handler: self)
        timerSource = EventSource(reactor, borrowing: timer.rawDescriptor, .readable, handler: self)
        try inotifySource?.register()
        try timerSource?.register()
    }

    /// The reactor's watcher; nil if the system allows no more instances. The next call then tries again.
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
    /// - Parameter changed: called on the reactor's thread, even if something else has changed, or nothing.
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
        // Events that cannot be discarded stay, and the next turn is a nudge again.
        do { try inotify.discardEvents() } catch {}
        timer.discard()
        for handler in Array(handlers.values) { handler() }
    }
}

/// One watched file, for as long as this object is retained.
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
