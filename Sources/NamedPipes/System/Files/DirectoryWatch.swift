// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Wakes a client that waits for a server to appear (`inotify(7)`).
///
/// It watches the directory of the socket file. While that does not exist, it watches the nearest existing directory
/// above it, and moves down as directories appear and up as they disappear.
///
/// An event is only a nudge: its contents are discarded, and the client looks at the present state. So it does not
/// matter if events are lost (`IN_Q_OVERFLOW`), merged, or older than that look. Some changes cause no event at all: in
/// a directory that may not be read, or when a directory higher up is moved. A client must also try again on a timer.
///
/// Used from one thread, like everything on a reactor.
final class DirectoryWatch {
    private let inotify: Inotify
    private let path: String
    private var current: Int32?

    /// The descriptor to wait on for readability; non-blocking, owned by this object.
    var descriptor: Int32 { inotify.rawDescriptor }

    /// Starts to watch; nil for an abstract name, whose appearance cannot be watched.
    ///
    /// A server that is there already causes no event: try to connect *after* this.
    ///
    /// - Throws: ``PipeError/system(_:)``, for example at the limit of watches per user (`EMFILE`, `ENOSPC`).
    init?(for address: PipeAddress) throws(PipeError) {
        guard let path = address.path else { return nil }
        self.path = path
        do {
            inotify = try Inotify()
            try retarget()
        } catch {
            throw .system(error)
        }
    }

    /// Reads all events, once the descriptor is readable.
    ///
    /// - Returns: whether the name exists now, so that connecting is worth a try.
    func drain() throws(PipeError) -> Bool {
        do {
            try retarget()
            return try exists()
        } catch {
            throw .system(error)
        }
    }

    private func exists() throws(SystemError) -> Bool {
        do {
            return try FileStatus(of: path).kind == .socket
        } catch {
            guard isOutOfReach(error) else { throw error }
            return false
        }
    }

    /// Watches the nearest directory. A directory may appear below it before its watch is in place, without an event;
    /// so this repeats until the result is the same twice. Events are always discarded first and the state examined
    /// afterwards; the last pass also discards the events of watches that ended.
    private func retarget() throws(SystemError) {
        while true {
            try inotify.discardEvents()
            let nearest = try watchNearest()
            if nearest == current { return }
            if let current { inotify.remove(current) }
            current = nearest
        }
    }

    private func watchNearest() throws(SystemError) -> Int32? {
        var directory = Substring(path)
        while let slash = directory.utf8.lastIndex(of: UInt8(ascii: "/")) {
            directory = directory[..<slash]
            do {
                return try watch(directory.isEmpty ? "/" : String(directory))
            } catch {
                guard isOutOfReach(error) else { throw error }
            }
        }
        return nil
    }

    /// The same directory gets the same number again, without a second watch.
    private func watch(_ directory: String) throws(SystemError) -> Int32 {
        let changes = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
        return try inotify.add(directory, changes | Int32(bitPattern: UInt32(IN_ONLYDIR)))
    }

    private func isOutOfReach(_ error: SystemError) -> Bool {
        error.code == ENOENT || error.code == ENOTDIR || error.code == EACCES || error.code == ELOOP
    }
}
