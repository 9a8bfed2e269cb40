// SPDX-License-Identifier: Apache-2.0
import Glibc
public import NamedPipes
import NamedPipesProgram

/// The arguments of an example. Made first in each program: it also takes over what the parent process left behind.
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
        self.usage = usage
        let given: [String?]
        do {
            let inherited = try Inheritance.takeOver(waitingForStopSignals: false)
            maskStopSignals(SIG_BLOCK)
            given = inherited.arguments.bytes.dropFirst().map { String(validating: $0, as: UTF8.self) }
        } catch {
            fail(error)
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
        StandardError.write("usage: \(usage)\n")
        exit(2)
    }
}
