// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Relay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a pipe with a server at another address: a local door for far servers.",
        discussion: """
            Each client of ADDRESS gets a connection of its own to the server behind --to, and its bytes pass unchanged in \
            both directions, whatever the framing. The slower end makes the faster one wait. The end of one direction, and \
            the end of both, are passed on; a connection that is lost on one side is ended on the other.

              pipectl relay thermostat --to nats://10.0.0.1/thermostat
              pipectl relay nats://10.0.0.1/thermostat --to thermostat

            The first line lets local programs in any language reach far servers, and knows nothing of their protocol. The \
            second one lets far clients reach a local server, which takes this process for its client. A client whose server \
            cannot be reached is disconnected at once; with --wait, after --timeout.
            """)

    @Argument(help: "The name to take; see pipectl --help.", completion: .file(), transform: parseDestination)
    var address: Destination?

    @Option(
        help: ArgumentHelp("The address of the server; see pipectl --help.", valueName: "address"),
        completion: .liveAddresses, transform: parseDestination)
    var to: Destination

    @Flag(help: "Let clients wait for a server to appear, for as long as --timeout allows.")
    var wait = false

    @Option(help: ArgumentHelp("The time limit for a connection to the server.", valueName: "time"))
    var timeout = TimeLimit(seconds: 10)

    @OptionGroup var options: ServerOptions

    func validate() throws {
        try options.check(address, isNeeded: true, answers: true)
        if let address, address.isSame(as: to) {
            throw ValidationError("--to is the address of this relay itself")
        }
    }

    func run() throws {
        let session = ServerSession(try Reactor(), counting: "piece")
        // Used on the reactor's thread only, which is this one.
        nonisolated(unsafe) let server: FarServer
        do {
            unsafe server = try FarServer(to, clientConfiguration, for: session)
        } catch {
            throw Failure(error)
        }
        session.beforeEnd = { unsafe server.access.end($0) }
        try session.serve(address, .relayed, options) {
            StandardError.write($0 + "\n")
        } handler: { connection, _ in
            try await unsafe server.serve(connection)
        }
    }

    private var clientConfiguration: PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.connection = .relayed
        configuration.connectTimeout = timeout.duration
        configuration.waitsForServer = wait
        return configuration
    }
}
