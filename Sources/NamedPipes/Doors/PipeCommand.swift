// SPDX-License-Identifier: Apache-2.0

/// A program that a client starts and speaks to; see ``PipeClient/init(spawning:configuration:reactor:delegate:)``.
///
/// ```swift
/// var worker: PipeCommand = ["worker", "--verbose"]
/// worker.environment["CACHE"] = "/var/cache/worker"
/// worker.directory = "/var/lib/worker"
/// worker.channel = .standardStreams
/// ```
public struct PipeCommand: Sendable {
    /// The program and its arguments. The program is looked up in `PATH`, unless it contains a slash.
    public var arguments: [String]

    /// Variables that differ from the environment of this process; nil removes one. The default is none.
    public var environment: [String: String?] = [:]

    /// The program's working directory (chdir(2)). The default is nil: that of this process. A relative path, of the
    /// directory itself, is looked up from the working directory of this process; a program with a slash in its
    /// name, and relative entries of `PATH`, are looked up from the new one.
    ///
    /// If the directory cannot be entered, the program is not started: ``PipeError/cannotStart(program:_:)`` has the
    /// error of chdir(2).
    public var directory: String?

    /// Where the program finds its end of the connection. The default is ``Channel/socket``.
    public var channel = Channel.socket

    /// How long the program may take to end by itself after its connection has ended, before it receives SIGTERM. The
    /// default is 5 s.
    public var gracePeriod: Duration = .seconds(5)

    /// How long it may take after SIGTERM, before SIGKILL ends it. The default is 2 s.
    public var terminationPeriod: Duration = .seconds(2)

    /// Where a program finds its end of the connection.
    @nonexhaustive
    public enum Channel: Hashable, Sendable {
        /// At descriptor 3, a connected Unix stream socket. The environment variable `NAMED_PIPES_FD` is `3`, and
        /// ``AcceptedConnection/inherited()`` takes it. Standard input is /dev/null; standard output and error
        /// are ours.
        case socket

        /// At its standard input and output, which are pipes. Standard error is ours.
        case standardStreams
    }

    /// A program with its arguments.
    ///
    /// - Parameter arguments: at least one, the program.
    public init(_ arguments: [String]) {
        precondition(!arguments.isEmpty, "a command has a program")
        self.arguments = arguments
    }
}

extension PipeCommand: ExpressibleByArrayLiteral {
    /// A program with its arguments: `["worker", "--verbose"]`.
    public init(arrayLiteral elements: String...) { self.init(elements) }
}

extension PipeCommand {
    /// The program's whole environment.
    func resolvedEnvironment(_ inherited: [String]) -> [String] {
        var changes = environment
        if channel == .socket { changes[Self.descriptorVariable] = "\(Self.descriptor)" }
        let kept = inherited.filter { variable in
            let name = variable.prefix { $0 != "=" }
            return changes[String(name)] == nil
        }
        return kept + changes.sorted { $0.key < $1.key }.compactMap { name, value in value.map { "\(name)=\($0)" } }
    }

    static let descriptorVariable = "NAMED_PIPES_FD"
    static let descriptor: Int32 = 3
}
