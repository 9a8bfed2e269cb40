// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Reports changes in the directory in which a server may appear.
final class ServerWatch: EventHandler {
    // The source first: epoll has to forget the descriptor before the directory's watch closes it.
    private var source: EventSource?
    private let directory: DirectoryWatch
    private let changed: () -> Void

    /// Nil for an abstract name, whose appearance no event reports.
    init?(_ reactor: Reactor, _ address: PipeAddress, changed: @escaping () -> Void) throws(PipeError) {
        guard let directory = try DirectoryWatch(for: address) else { return nil }
        self.directory = directory
        self.changed = changed
        source = EventSource(reactor, borrowing: directory.descriptor, .readable, handler: self)
        do {
            try source?.register()
        } catch {
            throw .system(error)
        }
    }

    func cancel() {
        source = nil
    }

    package func handle(_ readiness: Readiness) {
        do {
            if try directory.drain() { changed() }
        } catch {
            // A watch that cannot be read would report for ever; the client's next connect will show what is wrong.
            cancel()
            changed()
        }
    }
}
