// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// The file into which a recording is written: whole blocks at a time, each call at once, so that what has been
/// recorded is in the file, and can be read, however the recording ends.
final class RecordingFile {
    /// Where a recording goes.
    enum Place: Sendable, Hashable {
        /// A path, in the bytes of the command line.
        case path([UInt8])
        case standardOutput
    }

    private let descriptor: Int32
    private let shown: String
    private let isStandardOutput: Bool
    /// The size of the whole blocks in it.
    private var byteCount = 0

    /// Makes the file, for this user alone (mode 0600), and never through a symbolic link.
    ///
    /// - Parameter replaces: whether to remove a regular file that is there.
    init(at place: Place, replacing replaces: Bool) throws(Failure) {
        switch place {
        case .standardOutput:
            (descriptor, shown, isStandardOutput) = (STDOUT_FILENO, "standard output", true)
        case .path(let path):
            (shown, isStandardOutput) = (printable(path), false)
            let name = path.map(CChar.init(bitPattern:)) + [0]
            if replaces { try Self.remove(name, shown) }
            descriptor = unsafe open(
                // Appending: what follows a write that failed, and was taken back, is not to begin behind a hole.
                name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                if errno == EEXIST { throw Self.exists(shown) }
                throw Failure("cannot make \(shown): \(SystemError(call: "open", code: errno))")
            }
        }
    }

    deinit { if !isStandardOutput { close(descriptor) } }

    /// Refuses, before anything else happens, a place at which no file can be made, as far as that can be seen.
    static func check(_ place: Place, replacing replaces: Bool) throws(Failure) {
        switch place {
        case .standardOutput:
            guard isatty(STDOUT_FILENO) == 0 else {
                throw Failure("a recording cannot be written to a terminal", .usage)
            }
        case .path(let path):
            let (name, shown) = (path.map(CChar.init(bitPattern:)) + [0], printable(path))
            if try isReplaceable(name, shown), !replaces { throw exists(shown) }
            let directory = parent(of: path)
            guard unsafe access(directory.map(CChar.init(bitPattern:)) + [0], W_OK | X_OK) == 0 else {
                throw Failure("cannot make \(shown): \(SystemError(call: "access", code: errno))")
            }
        }
    }

    private static func exists(_ shown: String) -> Failure { Failure("\(shown) exists (--force replaces it)") }

    private static func parent(of path: [UInt8]) -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return [UInt8(ascii: ".")] }
        return Array(path[...slash])
    }

    /// Whether there is a regular file. A link, a device or a directory is not replaced: it was not meant.
    private static func isReplaceable(_ name: [CChar], _ shown: String) throws(Failure) -> Bool {
        var status = stat()
        guard unsafe lstat(name, &status) == 0 else { return false }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(shown) is not a regular file, and stays as it is")
        }
        return true
    }

    private static func remove(_ name: [CChar], _ shown: String) throws(Failure) {
        guard try isReplaceable(name, shown), unsafe unlink(name) != 0 else { return }
        throw Failure("cannot replace \(shown): \(SystemError(call: "unlink", code: errno))")
    }

    /// Writes blocks. If that fails, the file ends with the last block that was written before.
    func write(_ blocks: [UInt8]) throws(Failure) {
        do {
            try writeAll(descriptor, blocks)
            byteCount += blocks.count
        } catch {
            if !isStandardOutput { ftruncate(descriptor, off_t(byteCount)) }
            throw Failure("\(shown) cannot be written: \(error)")
        }
    }
}
