// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

/// Starts `pipectl` as user 12345, who has no file. Cancels the test where that is not possible.
func toolOfAnotherUser(_ reactor: Reactor, _ arguments: [String]) throws -> Tool {
    let setpriv = "/usr/bin/setpriv"
    guard geteuid() == 0, unsafe access(setpriv, X_OK) == 0 else { try Test.cancel("needs root and setpriv") }
    let user = [setpriv, "--reuid=12345", "--regid=12345", "--clear-groups"]
    let probe = try Tool(reactor, command: user + [Tool.program, "--version"], errors: .merged)
    guard probe.waitForExit() == 0 else { try Test.cancel("other users cannot run the program here") }
    return try Tool(reactor, command: user + [Tool.program] + arguments, errors: .merged)
}
