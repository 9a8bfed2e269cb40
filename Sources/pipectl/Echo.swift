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
              pipectl echo thermostat --async
              pipectl echo --stdio --framing newline

            With --stdio, it speaks over its standard input and output in place of a name, until the input ends: for a \
            program that starts it, and for inetd or a service manager with StandardInput=socket. Nothing else goes to \
            standard output then.
            """)

    @Argument(help: "The name to take; without one, a fresh name is generated.", transform: parseDestination)
    var address: Destination?

    @Flag(name: .customLong("async"), help: "Serve with a task for each connection, instead of a delegate.")
    var isAsync = false

    @Flag(help: "Speak over standard input and output, instead of listening.")
    var stdio = false

    @OptionGroup var wire: WireOptions
    @OptionGroup var options: ServerOptions
    @OptionGroup var loop: LoopOptions

    func validate() throws {
        if stdio, address != nil || isAsync || options.listensElsewhere {
            throw ValidationError("--stdio is a connection by itself, without an address and the options of a server")
        }
        try options.check(address, isNeeded: false)
    }

    func run() throws {
        let reactor = try loop.makeReactor()
        if stdio {
            try StandardStreamEcho(reactor).run(wire)
        } else if isAsync {
            try ServerSession(reactor).echo(address, wire, options) { (text) throws(Failure) in
                try StandardOutput.print(text + "\n")
            }
        } else {
            let session = ServerSession(reactor) { connection, message throws(PipeError) in
                try connection.send(message)
            }
            try session.run(address, wire, options) { (text) throws(Failure) in
                try StandardOutput.print(text + "\n")
            }
        }
    }
}
