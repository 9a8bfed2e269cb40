// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// The arguments of a small program, checked; see ``PipeProgram/arguments(usage:atMost:options:)``.
public struct ProgramArguments: Sendable {
    /// The arguments without the program's own name.
    public let values: [String]

    private let usage: String

    /// Checks the arguments of the process.
    init(_ given: [[UInt8]], usage: String, atMost limit: Int, options: [String]) throws(ProgramFailure) {
        let texts = given.compactMap { String(validating: $0, as: UTF8.self) }
        let areUnderstood = texts.allSatisfy { text in
            !text.utf8.starts(with: "-".utf8) || options.contains { text.utf8.starts(with: $0.utf8) }
        }
        guard texts.count == given.count, texts.count <= limit, areUnderstood else { throw .usage(usage) }
        values = texts
        self.usage = usage
    }

    /// The first argument as an address, in the forms of `PipeAddress(parsing:)`.
    ///
    /// - Parameter name: the address if there is no argument: a name in the runtime directory, or another form.
    /// - Throws: `PipeError.invalidAddress`, with which a program ends with status 2.
    public func address(default name: String) throws(PipeError) -> PipeAddress {
        try PipeAddress(parsing: values.first ?? name)
    }

    /// The failure to throw for arguments that make no sense: the usage, and status 2.
    public var misuse: ProgramFailure { .usage(usage) }
}

extension PipeProgram {
    /// Takes the program's arguments, for a program with few of them. One with many is better off with a parser, such
    /// as swift-argument-parser.
    ///
    /// ```swift
    /// let arguments = try program.arguments(usage: "echo [ADDRESS]")
    /// let address = try arguments.address(default: "echo")
    /// ```
    ///
    /// The bytes are those of main(3). Swift's `CommandLine.arguments` replaces what is not UTF-8, so that a file or a
    /// pipe of another name would be meant.
    ///
    /// - Parameters:
    ///   - usage: one line, such as `echo [ADDRESS]`.
    ///   - limit: how many arguments the program takes. The default is 1.
    ///   - options: the beginnings of arguments that may begin with `-`. The default is none, so that `--help` is no
    ///     address.
    /// - Throws: ``ProgramFailure`` with the usage and status 2 if there are more arguments, if one is not UTF-8, or if
    ///   one begins with `-` and with none of the options.
    public func arguments(
        usage: String, atMost limit: Int = 1, options: [String] = []
    ) throws(ProgramFailure) -> ProgramArguments {
        let given = Inheritance.atStart.arguments.bytes.dropFirst()
        return try ProgramArguments(Array(given), usage: usage, atMost: limit, options: options)
    }
}
