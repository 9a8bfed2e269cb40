// SPDX-License-Identifier: Apache-2.0
import Glibc
public import NamedPipes

/// What an example was called with. Made first in each program: it also looks at what the parent process left behind.
public struct ProgramArguments: Sendable {
    /// Those behind the program's own name.
    public let values: [String]

    private let usage: String

    /// Takes the program's arguments, or says how it is used and ends it with status 2: where there are more than the
    /// usage names, where one is not UTF-8 (repairing it would name another place), and where one begins with `-`.
    ///
    /// - Parameters:
    ///   - usage: one line.
    ///   - limit: how many arguments the program takes.
    ///   - options: the beginnings of arguments that may begin with `-`. The default is none.
    public init(usage: String, atMost limit: Int = 1, options: [String] = []) {
        prepareProcess()
        self.usage = usage
        let given = (1..<max(1, Int(CommandLine.argc))).map { index in
            unsafe CommandLine.unsafeArgv[index].flatMap { unsafe String(validatingCString: $0) }
        }
        values = given.compactMap(\.self)
        let areUnderstood = values.allSatisfy { value in
            !value.utf8.starts(with: "-".utf8) || options.contains { value.utf8.starts(with: $0.utf8) }
        }
        if values.count < given.count || values.count > limit || !areUnderstood { failWithUsage() }
    }

    /// The first argument as an address, in the forms of `PipeAddress(parsing:)`, or a name in the runtime directory.
    public func address(default name: String) throws(PipeError) -> PipeAddress {
        try PipeAddress(parsing: values.first ?? name)
    }

    /// Says how the program is used, and ends it with status 2.
    public func failWithUsage() -> Never {
        writeAll("usage: \(usage)\n", to: STDERR_FILENO)
        exit(2)
    }
}

/// What a parent may have closed is open again before a socket gets its number, a write to a reader who is gone is an
/// error like others, and stop signals wait until someone takes them.
private func prepareProcess() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
        _ = unsafe open("/dev/null", O_RDWR)
    }
    signal(SIGPIPE, SIG_IGN)
    maskStopSignals(SIG_BLOCK)
}
