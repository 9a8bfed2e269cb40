// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A process of a test, without input and output. It ends with this object, and with the test's process.
package final class TestProcess {
    private var processID: Int32?
    private var status: Int32 = -1

    /// - Parameters:
    ///   - path: the program's.
    ///   - arguments: its arguments, without its name.
    package init(_ path: String, _ arguments: [String]) throws {
        let null = OwnedDescriptor(taking: unsafe open("/dev/null", O_RDWR | O_CLOEXEC))
        var program = ChildProgram(path: path, arguments: ([path] + arguments).map { Array($0.utf8) })
        program.parentDeathSignal = SIGKILL
        processID = try program.start(input: null.rawValue, output: null.rawValue, error: null.rawValue)
    }

    /// A program that was built with the tests.
    package convenience init(built name: String, _ arguments: [String]) throws {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        try self.init(tests.deletingLastPathComponent().appending(path: name).path, arguments)
    }

    deinit { kill() }

    /// Ends it at once (`SIGKILL`).
    package func kill() {
        signal(SIGKILL)
        waitForEnd()
    }

    /// Waits until it has ended, and says whether it exited with 0.
    @discardableResult
    package func waitForEnd() -> Bool {
        collect(0)
        return status == 0
    }

    /// Whether it has ended, without waiting for that.
    package var hasEnded: Bool {
        collect(WNOHANG)
        return processID == nil
    }

    private func collect(_ options: Int32) {
        guard let processID else { return }
        guard unsafe waitpid(processID, &status, options) == processID else { return }
        let hasStopped = status & 0xFF == 0x7F  // WIFSTOPPED
        if !hasStopped { self.processID = nil }
    }

    /// `kill(2)`, while it runs. `SIGSTOP` has stopped all of its threads when this returns.
    package func signal(_ signal: Int32) {
        guard let processID else { return }
        _ = Glibc.kill(processID, signal)
        if signal == SIGSTOP { collect(WUNTRACED) }
    }
}
