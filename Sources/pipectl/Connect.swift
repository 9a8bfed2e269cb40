// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

struct Connect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Talk to a server: lines go out, messages come in.",
        discussion: """
            Every line of standard input is sent as one message, and every message that arrives is printed as one line. \
            At the end of the input (Ctrl-D) the server is told that no more messages follow, and its answers are \
            printed until it closes, as with nc -N; with --stay the server is not told.

              pipectl connect thermostat
              pipectl connect events --wait --stay < subscriptions.txt
              pipectl connect --exec 'bc -l' --framing newline

            With --exec, it starts a command in place of connecting to a server, and speaks to its standard input and \
            output. When the command has ended, so has the connection; a status other than 0 is a failure.
            """)

    @Argument(
        help: "The name of the pipe; see pipectl --help.", completion: .liveAddresses, transform: parseDestination)
    var address: Destination?

    @Option(help: ArgumentHelp("Start a command with /bin/sh -c, and speak to it.", valueName: "command"))
    var exec: String?

    @Flag(help: "Stay connected after the end of standard input, until the server closes or a signal comes.")
    var stay = false

    @OptionGroup var client: ClientOptions
    @OptionGroup var printing: PrintOptions
    @OptionGroup var wire: WireOptions

    func validate() throws {
        if address == nil, exec == nil { throw ValidationError("Missing expected argument '<address>'") }
        if address != nil, exec != nil {
            throw ValidationError("--exec starts the command that takes the place of a server")
        }
    }

    func run() throws {
        let session = ConnectSession(try Reactor(), style: printing.raw ? .raw : .text, staysAtEnd: stay)
        try session.run(client.configuration(wire)) { [address, exec] configuration, reactor in
            guard let address else {
                var command: PipeCommand = ["/bin/sh", "-c", exec ?? ""]
                command.channel = .standardStreams
                let client = PipeClient(
                    spawning: command, configuration: configuration, reactor: reactor, delegate: session)
                return (client, Access(reactor))
            }
            return try address.makeClient(configuration, reactor, session)
        }
    }
}

/// Sends and receives at the same time.
private final class ConnectSession: PipeClientDelegate {
    private let reactor: Reactor
    private let style: MessageStyle
    private let staysAtEnd: Bool
    private var client: PipeClient?
    private var access: Access?
    private var input: LineInput?
    private var failure: Failure?
    private var hasOutputFailed = false

    init(_ reactor: Reactor, style: MessageStyle, staysAtEnd: Bool) {
        self.reactor = reactor
        self.style = style
        self.staysAtEnd = staysAtEnd
    }

    func run(
        _ configuration: PipeClient.Configuration,
        _ makeClient: (PipeClient.Configuration, Reactor) throws -> (PipeClient, Access)
    ) throws {
        let limit = configuration.connection.framing.maximumMessageByteCount
        input = LineInput(reactor, limit: limit) { [unowned self] in didRead($0) }
        let (client, access) = try makeClient(configuration, reactor)
        self.client = client
        self.access = access
        let signals = try Signals(reactor) { [reactor] count in
            if count == 1 { client.disconnect() } else { reactor.stop() }
        }
        client.connect()
        withExtendedLifetime(signals) { reactor.run() }
        if let failure { throw failure }
    }

    private func didRead(_ event: LineInput.Event) {
        guard let connection = client?.connection else { return }
        switch event {
        case .lines(let lines): for line in lines { send(line, on: connection) }
        case .end: if !staysAtEnd { connection.finishSending() }
        case .failure(let failure): fail(failure)
        }
    }

    private func send(_ line: [UInt8], on connection: PipeConnection) {
        guard failure == nil else { return }
        do {
            if try connection.send(line) == .acceptedAboveHighWaterMark { input?.pause() }
        } catch {
            fail(Failure(error))
        }
    }

    /// Only the first failure is reported.
    private func note(_ failure: Failure) { self.failure = self.failure ?? failure }

    /// Gives up, after the queued messages have been sent.
    private func fail(_ failure: Failure) {
        note(failure)
        input?.pause()
        client?.disconnect()
    }

    // MARK: PipeClientDelegate

    func connectionDidOpen(_ connection: PipeConnection) {
        if isatty(STDIN_FILENO) == 1 { StandardError.note("connected to \(connection.peer); Ctrl-D ends") }
        input?.resume()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard !hasOutputFailed else { return }
        do {
            try StandardOutput.print(style.line(for: Array(copying: message), from: connection))
        } catch {
            hasOutputFailed = true
            fail(error)
        }
    }

    func connectionDidDrain(_ connection: PipeConnection) { input?.resume() }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        let lostCount = connection.unsentMessageCount + (connection.hasPartlySentMessage ? 1 : 0)
        if lostCount > 0 {
            let lost = "with \(counted(lostCount, "message")) not delivered"
            note(Failure("the connection was \(reason.text), \(lost)\(connection.causesText)"))
        } else if reason == .closedByPeer, connection.hasFinishedSending {
            // Expected, because the end of our input asked for it.
        } else if reason == .closedByPeer {
            if input?.hasMore == true {
                note(Failure("the connection was closed by the server, and the rest of the input was not sent"))
            } else {
                StandardError.note("closed by the server\(connection.causesText)")
            }
        } else if reason == .programEnded(.exited(0)) {
            // The command has done its work.
        } else if reason != .closedLocally {
            note(Failure("the connection was \(reason.text)\(connection.causesText)"))
        }
        input?.pause()
        access?.stopReactor()
    }

    func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {
        if state == .disconnected { access?.stopReactor() }
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        note(Failure(error))
        access?.stopReactor()
    }
}
