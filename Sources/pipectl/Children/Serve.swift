// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a pipe with a command: a child process for each connection.",
        discussion: """
            Each message is a line of the command's standard input, and each line of its standard output is a message \
            back. Its standard error is that of pipectl. The shell (/bin/sh -c) runs the command; CONNECTION, PEER_UID and \
            PEER_PID in its environment identify the client. Signals, limits and the rest of the environment are as \
            pipectl inherited them, without the variables of a service manager.

            When the client finishes, the command's input ends, and it has --linger to finish; then it gets SIGTERM, and 2 s \
            later SIGKILL, with all processes of its group. When the command ends, its connection is closed behind the last line, \
            and its background processes end in the same way. \
            Neither side can flood the other: the faster one waits.

            A message that contains a line feed ends its connection, unless --escape turns it into one line.

              pipectl serve upper --exec 'stdbuf -oL tr a-z A-Z'
              pipectl serve /run/app/sum.sock --framing newline --exec 'jq --unbuffered -c add' --limit 10
            """)

    @Argument(help: "The name to take; see pipectl --help.", completion: .file(), transform: parseDestination)
    var address: Destination?

    @Option(help: ArgumentHelp("The command to run for each connection.", valueName: "command"))
    var exec: String

    @Option(
        help: ArgumentHelp(
            "The number of commands that may run at a time; further clients are refused.", valueName: "number"))
    var limit = 100

    @Option(
        help: ArgumentHelp("How long a command may continue after the end of its input.", valueName: "time"))
    var linger = TimeLimit(seconds: 5)

    @Flag(
        help: ArgumentHelp(
            "Write a line feed inside a message as \\n and a backslash as \\\\, and read lines likewise."))
    var escape = false

    @OptionGroup var wire: WireOptions
    @OptionGroup var options: ServerOptions
    @OptionGroup var reactors: ReactorOptions

    func validate() throws {
        try options.check(address, isNeeded: true)
        try reactors.check(address)
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
    }

    func run() throws {
        let command = ChildCommand(
            command: Arguments.bytes(of: exec), lines: escape ? .escaped : .plain,
            lineLimit: wire.maximumMessageByteCount,
            linger: linger.orForEver)
        let places = ChildPlaces(limit)
        let handler: ServerSession.AsyncHandler = { connection, counter in
            try await places.occupy { try await counter.run(command, for: connection) }
        }
        let announce: ServerSession.Announcement = { StandardError.write($0 + "\n") }
        let home = try Reactor()
        if reactors.isPool {
            try PoolSession(home).serve(
                address, wire, options, on: (reactors.reactors.count, Reactor.Configuration()), home: home,
                announce: announce, handler: handler)
        } else {
            try ServerSession(home).serve(address, wire, options, announce: announce, handler: handler)
        }
    }
}

extension MessageCounter {
    /// Lets a command serve one connection, until both have ended.
    fileprivate nonisolated(nonsending) func run(
        _ command: ChildCommand, for connection: AsyncPipeConnection
    ) async throws {
        // Used on the connection's thread only, as the handler is.
        nonisolated(unsafe) let counter = self
        let reactor = connection.executor.reactorOfThisThread
        let ending = try await command.serve(connection, on: reactor) { unsafe counter.count($0) }
        report("\(connection): the command \(ending.text)")
        if let failure = ending.failure { throw failure }
        count(await connection.close(), of: "\(connection)")
    }
}
