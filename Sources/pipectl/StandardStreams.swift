// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

extension StandardOutput {
    /// Writes all bytes, or throws the failure with which the command ends.
    static func print(_ bytes: [UInt8]) throws(Failure) {
        do { try write(bytes) } catch { throw Failure(ofOutput: error) }
    }

    /// Writes the whole text, or throws the failure with which the command ends.
    static func print(_ text: String) throws(Failure) { try print(Array(text.utf8)) }
}

extension StandardError {
    static func note(_ text: String) { write("pipectl: \(text)\n") }

    /// The reason why the command fails.
    static func fail(_ failure: Failure) {
        write("\(TextStyle.error.paint("pipectl:", .bad)) \(failure.message)\n")
    }
}

extension Failure {
    /// The failure of standard output, with the system's own words.
    init(ofOutput error: SystemError) {
        self.init(
            error.code == EPIPE
                ? "standard output no longer has a reader (\(error))" : "standard output cannot be written: \(error)")
    }

    /// The failure of standard input.
    init(ofInput error: SystemError) { self.init("standard input cannot be read: \(error)") }
}

func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
