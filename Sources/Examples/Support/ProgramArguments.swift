// SPDX-License-Identifier: Apache-2.0
import Glibc
public import NamedPipes
import NamedPipesProgram

/// The arguments of an example. Each program creates this value first, because that also handles the state inherited
/// from the parent process.
public struct ProgramArguments: Sendable {
    /// The arguments without the program's own name.
    public let values: [String]

    private let usage: String

    /// Takes the program's arguments. Prints the usage and ends the program with status 2 if there are more than the
    /// usage names, if one is not UTF-8 (repairing it would name another location), or if one begins with `-`.
    ///
    /// - Parameters:
    ///   - usage: one line.
    ///   - limit: how many arguments the program takes.
    ///   - options: the prefixes of arguments that may begin with `-`. The default is none.
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

    /// Prints the usage, and ends the program with status 2.
    public func failWithUsage() -> Never {
        StandardError.write("usage: \(usage)\n")
        exit(2)
    }
}
