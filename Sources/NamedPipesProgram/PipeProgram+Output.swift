// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
internal import NamedPipes

extension PipeProgram {
    /// Prints a line at once. If it cannot be written, because the disk is full or the reader is gone, the program ends
    /// with status 1 and the reason. `print` loses it without a word, and the program learns of it at its end only.
    ///
    /// For any thread, and for callbacks that cannot throw.
    ///
    /// - Parameter line: the line, without its end.
    public static func report(_ line: String) {
        do { try write(line) } catch { fail(error) }
    }

    /// Writes a line to standard error, after the program's name, and continues; nothing happens if it cannot be
    /// written. Characters that a terminal would obey are escaped.
    ///
    /// - Parameter message: the line, without its end.
    public static func warn(_ message: String) {
        StandardError.write(escapingInvisibles("\(name): \(message)") + "\n")
    }

    /// Ends the program because of an error, with its line on standard error and its status, from a place that cannot
    /// throw.
    ///
    /// - Parameter error: see ``ProgramFailure/init(describing:)``.
    public static func fail(_ error: any Error) -> Never {
        let failure = ProgramFailure(describing: error)
        if let line = failure.line(of: name) { StandardError.write(line + "\n") }
        exit(failure.status)
    }

    /// Behind everything that was printed otherwise.
    static func write(_ line: String) throws(SystemError) {
        _ = program_output_is_complete()
        try StandardOutput.write("\(line)\n")
    }

    /// The last component of the program's own name (argv[0]).
    private static var name: String {
        let path = Inheritance.atStart.arguments.bytes.first ?? []
        let name = path.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? Array("program".utf8)
        return String(decoding: name, as: UTF8.self)
    }
}
