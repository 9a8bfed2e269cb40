// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a pipe that sends every message back.",
        discussion: """
            Prints "listening on ADDRESS" once clients can connect, and a summary at the end. The first SIGINT, \
            SIGTERM or SIGHUP gives the name up and answers the messages that have arrived; a second one stops at once. A service manager \
            (NOTIFY_SOCKET) is told when clients can connect and when it stops.

              pipectl echo thermostat
              pipectl echo /run/app/lines.sock --framing newline --max-message 64KiB
              pipectl echo thermostat --take-over
              pipectl echo thermostat --async --batches
              pipectl echo thermostat --reactors cores --work 100us
              pipectl echo --stdio --framing newline

            With --stdio, it speaks over its standard input and output in place of a name, until the input ends: for a \
            program that starts it, and for inetd or a service manager with StandardInput=socket. Nothing else goes to \
            standard output then.
            """)

    @Argument(
        help: "The name to take; without one, a fresh name is generated.", completion: .file(),
        transform: parseDestination)
    var address: Destination?

    @Flag(name: .customLong("async"), help: "Serve with a task for each connection, instead of a delegate.")
    var isAsync = false

    @Flag(help: "With --async: receive all messages of a read together, instead of one by one.")
    var batches = false

    @Flag(help: "Speak over standard input and output, instead of listening.")
    var stdio = false

    @OptionGroup var wire: WireOptions
    @OptionGroup var options: ServerOptions
    @OptionGroup var reactors: ReactorOptions
    @OptionGroup var loop: LoopOptions
    @OptionGroup var work: WorkOptions

    func validate() throws {
        if stdio, address != nil || isAsync || reactors.isPool || options.listensElsewhere {
            throw ValidationError("--stdio is a connection by itself, without an address and the options of a server")
        }
        if batches, !isAsync { throw ValidationError("--batches requires --async") }
        try options.check(address, isNeeded: false, answers: true)
        try reactors.check(address)
    }

    func run() throws {
        if stdio {
            try StandardStreamEcho(loop.makeReactor(), work.perMessage).run(wire)
        } else if reactors.isPool {
            try runPool()
        } else if isAsync {
            try ServerSession(loop.makeReactor()).serve(
                address, wire, options, announce: announce, handler: work.asyncHandler(inBatches: batches))
        } else {
            let session = ServerSession(try loop.makeReactor()) {
                // Of any error, as the session takes it: a conversion would be one more call for each message.
                [work = work.perMessage] connection, message throws in
                work.perform()
                try connection.send(message)
            }
            try session.run(address, wire, options, announce: announce)
        }
    }

    private func runPool() throws {
        // The workers poll; the main thread has nothing to be fast for.
        let home = try Reactor()
        let reactors = (reactors.reactors.count, loop.configuration)
        if isAsync {
            try PoolSession(home).serve(
                address, wire, options, on: reactors, home: home, announce: announce,
                handler: work.asyncHandler(inBatches: batches))
        } else {
            try PoolSession(home).run(address, wire, options, on: reactors, home: home, announce: announce) {
                [work = work.perMessage] connection, message in
                work.perform()
                try connection.send(message)
            }
        }
    }
}

extension WorkOptions {
    /// Sends every message of a connection back.
    fileprivate func asyncHandler(inBatches: Bool) -> ServerSession.AsyncHandler {
        // Not in a capture list, which would make it a function that leaves the reactor's thread.
        let work = perMessage
        return { connection, counter in try await counter.echo(connection, work, inBatches: inBatches) }
    }
}

extension MessageCounter {
    fileprivate nonisolated(nonsending) func echo(
        _ connection: AsyncPipeConnection, _ work: Work, inBatches: Bool
    ) async throws {
        do {
            if inBatches {
                while try await connection.nextBatch({ message in
                    count(message.count)
                    work.perform()
                    try connection.trySend(message)
                }) {}
            } else {
                for try await message in connection.messages {
                    count(message.byteCount)
                    work.perform()
                    try await connection.send(message)
                }
            }
            count(await connection.close(), of: "\(connection)")
        } catch PipeError.disconnected(let reason) {
            count(reason, of: "\(connection)")
        }
    }
}

@Sendable
private func announce(_ line: String) throws(Failure) { try StandardOutput.print(line + "\n") }
