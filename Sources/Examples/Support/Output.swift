// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipesProgram

/// Prints a line at once, even into a pipe. A program whose output is lost, because the disk is full or the reader is
/// gone, ends with status 1 and reports why.
public func report(_ line: String) {
    do {
        try StandardOutput.write("\(line)\n")
    } catch {
        fail(error)
    }
}

/// Ends the program because it cannot do its work.
public func fail(_ error: any Error) -> Never {
    complain("\(error)")
    exit(1)
}

/// Ends the program with a status of its own.
public func exitProgram(_ status: Int32) -> Never { exit(status) }

/// Writes to standard error without ending the program: standard error needs no reader.
public func complain(_ line: String) { StandardError.write("\(line)\n") }
