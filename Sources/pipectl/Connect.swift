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

            On a terminal, ">" marks messages sent and "<" messages received, and the line can be edited: arrow keys, \
            Ctrl-A, E, W, U, K and Y; up and down show the lines entered before.
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
    @OptionGroup var verbosity: ClientVerbosityOptions

    func validate() throws {
        if address == nil, exec == nil { throw ValidationError("Missing expected argument '<address>'") }
        if address != nil, exec != nil {
            throw ValidationError("--exec starts the command that takes the place of a server")
        }
    }

    func run() throws {
        let log = verbosity.log
        log.willConnect(to: address?.description ?? exec ?? "", wire)
        let session = ConnectSession(try Reactor(), style: printing.raw ? .raw : .text, staysAtEnd: stay, log)
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
    private let log: ClientLog
    private var client: PipeClient?
    private var access: Access?
    private var input: (any LineSource)?
    /// In front of a message that arrived, on a terminal.
    private var mark: [UInt8] = []
    private var failure: Failure?
    private var hasConnected = false
    private var hasOutputFailed = false
    private var sentCount = 0
    private var receivedCount = 0

    init(_ reactor: Reactor, style: MessageStyle, staysAtEnd: Bool, _ log: ClientLog) {
        self.reactor = reactor
        self.style = style
        self.staysAtEnd = staysAtEnd
        self.log = log
    }

    func run(
        _ configuration: PipeClient.Configuration,
        _ makeClient: (PipeClient.Configuration, Reactor) throws -> (PipeClient, Access)
    ) throws {
        let limit = configuration.connection.framing.maximumMessageByteCount
        // With --raw, messages may move the cursor, so that a line could not be kept in its place.
        if style == .text, TerminalInput.isPossible {
            mark = Array(TextStyle.output.paint("<", .received).utf8) + [UInt8(ascii: " ")]
            input = TerminalInput(reactor, prompt: "> ", .sent, limit: limit) { [unowned self] in didRead($0) }
        } else {
            input = LineInput(reactor, limit: limit) { [unowned self] in didRead($0) }
        }
        let (client, access) = try makeClient(configuration, reactor)
        self.client = client
        self.access = access
        let signals = try Signals(reactor) { [unowned self] count in
            if !hasConnected { note(Failure("interrupted")) }
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
            let verdict = try connection.send(line)
            sentCount += 1
            try input?.printAbove { log.didSend(sentCount, line.count, verdict) }
            if verdict == .acceptedAboveHighWaterMark { input?.pause() }
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
        hasConnected = true
        if isatty(STDIN_FILENO) == 1 {
            log.note("connected to \(connection.peer); Ctrl-D ends")
        } else {
            log.didConnect(to: connection.peer)
        }
        input?.resume()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard !hasOutputFailed else { return }
        do {
            receivedCount += 1
            try input?.printAbove { () throws(Failure) in
                log.didReceive(receivedCount, message.count)
                try StandardOutput.print(mark + style.line(for: Array(copying: message), from: connection))
            }
        } catch {
            hasOutputFailed = true
            fail(error)
        }
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        if failure == nil { input?.resume() }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        let hasMoreInput = input?.hasMore == true
        input?.pause()
        log.didEnd(reason)
        let lostCount = connection.unsentMessageCount + (connection.hasPartlySentMessage ? 1 : 0)
        if lostCount > 0 {
            let lost = "with \(counted(lostCount, "message")) not delivered"
            note(Failure("the connection was \(reason.text), \(lost)\(connection.causesText)"))
        } else if reason == .closedByPeer, connection.hasFinishedSending {
            // Expected, because the end of our input asked for it.
        } else if reason == .closedByPeer {
            if hasMoreInput {
                let end = "the connection was closed by the server, and the rest of the input was not sent"
                note(Failure(end + connection.causesText))
            } else if connection.unansweredClose != nil {
                note(Failure("closed by the server\(connection.causesText)"))
            } else {
                log.note("closed by the server")
            }
        } else if reason == .programEnded(.exited(0)) {
            // The command has done its work.
        } else if reason != .closedLocally {
            note(Failure("the connection was \(reason.text)\(connection.causesText)"))
        }
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
