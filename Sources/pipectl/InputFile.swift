// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A file that the command line names, to be read before the command serves or connects.
enum InputFile {
    /// Opens a file for reading, or standard input for `-`, as `cat` does. At a FIFO this waits for a writer, and a
    /// signal ends the process.
    static func open(_ path: String) throws(Failure) -> Int32 {
        let name = Arguments.bytes(of: path).map(CChar.init(bitPattern:)) + [0]
        do throws(SystemError) {
            return try StopSignals.endProcess { () throws(SystemError) in
                let isInput = path == "-"
                let descriptor =
                    isInput ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : unsafe Glibc.open(name, O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { throw SystemError(call: isInput ? "fcntl" : "open", code: errno) }
                return descriptor
            }
        } catch {
            throw Failure("cannot open \(shown(path)): \(error)")
        }
    }

    /// Reads a file to its end. While it has to wait, a signal ends the process.
    ///
    /// - Parameter take: gets the bytes, piece by piece; none follow if it returns false.
    static func read(_ path: String, _ take: ([UInt8]) -> Bool) throws(Failure) {
        let descriptor = try open(path)
        defer { close(descriptor) }
        do {
            try StopSignals.endProcess { () throws(SystemError) in
                while true {
                    guard let bytes = try readSome(descriptor, atMost: 256 << 10) else { continue }
                    guard !bytes.isEmpty, take(bytes) else { return }
                }
            }
        } catch {
            throw Failure("cannot read \(shown(path)): \(error)")
        }
    }

    private static func shown(_ path: String) -> String { printable(Arguments.bytes(of: path)) }
}
