// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A server that counts, and stops when it is told to: the common part of `echo` and `listen`.
final class ServerSession: PipeServerDelegate {
    /// Handles a message. A thrown error ends its connection; a thrown ``Failure`` stops the server.
    typealias Handler = (_ connection: PipeConnection, _ message: Span<UInt8>) throws -> Void

    /// Prints a line about the server; throws if that is impossible.
    typealias Announcement = @Sendable (String) throws(Failure) -> Void

    let reactor: Reactor
    private let handler: Handler?
    private var server: PipeServer?
    /// The way on which clients come.
    private(set) var access: Access?
    private var inputWatch: DescriptorWatch?
    private var signals: Signals?
    /// The serving task, if tasks handle the connections.
    var task: Task<Void, Never>?
    private var complaints = Complaints()
    /// The reason for the stop, unless it was requested.
    private(set) var failure: Failure?

    private let manager = ServiceNotifier.current

    /// Called before the loop stops, and calls back.
    var beforeEnd: (@escaping () -> Void) -> Void = { $0() }

    /// What the summary counts.
    var countedWord = "message"
    private var messageCount = 0
    private var byteCount = 0
    private var endings: [String: Int] = [:]

    /// - Parameter handler: nil if tasks handle messages instead; see ``serve(_:_:_:announce:handler:)``.
    init(_ reactor: Reactor, handler: Handler? = nil) {
        self.reactor = reactor
        self.handler = handler
    }

    /// Serves until a signal.
    ///
    /// - Parameter announce: receives the line that says that clients can connect, and the summary at the end.
    func run(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions, announce: @escaping Announcement
    ) throws {
        raiseDescriptorLimit()
        var configuration = PipeServer.Configuration()
        wire.apply(to: &configuration.connection)
        do {
            let place = try options.place(destination)
            let server = try makeServer(at: place, configuration, self)
            do {
                try attend(to: server, at: place, options, announce)
            } catch {
                fail(Failure(error))
            }
        } catch {
            throw Failure(error)
        }
        reactor.run()
        try conclude(announce)
    }

    /// Prints the summary, or throws the reason for the stop.
    func conclude(_ announce: Announcement) throws(Failure) {
        if let rest = complaints.rest { StandardError.note(rest) }
        if let failure { throw failure }
        try announce("stopped after \(summary)")
    }

    /// Makes the server, and the way on which its clients come.
    func makeServer(
        at place: ServerPlace, _ configuration: PipeServer.Configuration, _ delegate: any PipeServerDelegate
    ) throws -> PipeServer {
        let access = try place.makeAccess(reactor)
        access.onTrouble { [unowned self] in complain($0, .link) }
        self.access = access
        return try place.makeServer(configuration, reactor, access, delegate)
    }

    /// Announces the server, and stops it when it is told to.
    func attend(
        to server: PipeServer, at place: ServerPlace, _ options: ServerOptions, _ announce: @escaping Announcement
    ) throws {
        self.server = server
        signals = try Signals(reactor) { [unowned self] count in
            tellManager(.stopping)
            if count == 1 { server.stop(gracePeriod: options.grace.orForEver) } else { stopAtOnce() }
        }
        if options.stat { offerStatistics(of: server, takingOver: options.takeOver) }
        if options.untilInputEnds { try watchInput(grace: options.grace.orForEver) }
        access?.whenListening { [unowned self] outcome in
            do {
                try outcome.get()
                try announce("listening on \(place.shownAddress(of: server))")
                tellManager(.ready, .status("listening on \(place.shownAddress(of: server))"))
            } catch {
                fail(Failure(error))
            }
        }
    }

    /// Stops the loop, after the last connection.
    func stopReactor() {
        beforeEnd { [access, reactor] in
            if let access { access.stopReactor() } else { reactor.stop() }
        }
    }

    /// Stops without waiting for any client, because it cannot do its work. Only the first failure is reported.
    func fail(_ failure: Failure) {
        self.failure = self.failure ?? failure
        inputWatch?.cancel()
        stopAtOnce()
    }

    /// Stops without waiting for clients or tasks.
    private func stopAtOnce() {
        server?.stop()
        task?.cancel()
    }

    private func watchInput(grace: Duration) throws(SystemError) {
        inputWatch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in
            do throws(SystemError) {
                guard try readSome(STDIN_FILENO, atMost: 4096)?.isEmpty == true else { return }
                inputWatch?.cancel()
                server?.stop(gracePeriod: grace)
            } catch {
                fail(Failure(ofInput: error))
            }
        }
    }

    var summary: String {
        let reasons = endings.sorted { $0.key < $1.key }.map { "\(grouped($0.value)) \($0.key)" }
        let connections = counted(endings.values.reduce(0, +), "connection")
        let ends = reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"
        return "\(connections)\(ends), \(counted(messageCount, countedWord)), \(readable(byteCount: byteCount))"
    }

    func count(_ byteCount: Int) {
        messageCount += 1
        self.byteCount += byteCount
    }

    func count(_ reason: DisconnectReason, of connection: @autoclosure () -> String) {
        endings[reason.text, default: 0] += 1
        if case .framing = reason { complain("\(connection()) was \(reason.text)", .connection) }
    }

    // MARK: PipeServerDelegate

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard failure == nil else { return }
        count(message.count)
        do {
            try handler?(connection, message)
        } catch let failure as Failure {
            fail(failure)
        } catch PipeError.notConnected {
            // The peer was gone before its answer; didCloseWith reports it.
        } catch {
            complain("\(connection): \(Failure(error).message)", .connection)
            connection.abort()
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        count(reason, of: "\(connection)")
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) { complain("\(report)", .refusal) }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        complain("cannot accept: \(error) (ulimit -n shows how many descriptors there may be)", .accepting)
    }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        complain("\(server.address) \(loss)\(server.isPublished ? ", and is published again" : "")", .name)
        if case .takenOver = loss { tellManager(.stopping) }
    }

    func server(_ server: PipeServer, didSkip error: FramingError) {
        complain("skipped at \(server.address): \(error)", .connection)
    }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        complain("\(server.address) cannot be published again: \(error)", .name)
    }

    func serverDidStop(_ server: PipeServer) { stopReactor() }

    /// A manager that cannot be notified is no reason not to serve.
    func tellManager(_ states: ServiceNotifier.State...) {
        do { try manager?.notify(states) } catch {
            complain("the service manager was not notified: \(error)", .manager)
        }
    }

    func complain(_ text: String, _ kind: Complaints.Kind) {
        if let line = complaints.line(text, kind) { StandardError.note(line) }
    }
}
