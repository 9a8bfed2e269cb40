// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// A server on the main thread that counts, and stops when it is told to: the common part of `echo` and `listen`.
final class ServerSession: PipeServerDelegate {
    /// Prints a line about the server; throws if that is impossible.
    typealias Announcement = @Sendable (String) throws(Failure) -> Void

    let reactor: Reactor
    let log = ServerLog()
    let counter: MessageCounter
    private var server: PipeServer?
    private var attendant: Attendant?
    /// The way on which clients come.
    private var access: Access?
    /// The serving task, if tasks handle the connections.
    var task: Task<Void, Never>?
    /// Called before the loop stops, and calls back.
    var beforeEnd: (@escaping () -> Void) -> Void = { $0() }

    /// - Parameters:
    ///   - countedWord: what the summary counts. The default is messages.
    ///   - handler: nil if tasks handle messages instead; see ``serve(_:_:_:announce:handler:)``.
    init(_ reactor: Reactor, counting countedWord: String = "message", handler: MessageCounter.Handler? = nil) {
        self.reactor = reactor
        counter = MessageCounter(log, counting: countedWord, handler: handler)
    }

    /// Serves until a signal.
    ///
    /// - Parameter announce: receives the line that says that clients can connect, and the summary at the end.
    func run(
        _ destination: Destination?, _ wire: WireOptions, _ options: ServerOptions, announce: @escaping Announcement
    ) throws {
        raiseDescriptorLimit()
        do {
            let place = try options.place(destination)
            log.follow(options.verbosity.level)
            var configuration = wire.serverConfiguration
            options.apply(to: &configuration)
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
    func conclude(_ announce: Announcement) throws(Failure) { try log.conclude(counter.tally, announce) }

    /// Makes the server, and the way on which its clients come.
    func makeServer(
        at place: ServerPlace, _ configuration: PipeServer.Configuration, _ delegate: any PipeServerDelegate
    ) throws -> PipeServer {
        let access = try place.makeAccess(reactor)
        access.onTrouble { [log] in log.complain($0, .link) }
        self.access = access
        return try place.makeServer(configuration, reactor, access, delegate)
    }

    /// Announces the server once clients can find it, and stops it when it is told to.
    func attend(
        to server: PipeServer, at place: ServerPlace, _ options: ServerOptions, _ announce: @escaping Announcement
    ) throws {
        self.server = server
        let attendant = Attendant(reactor, log) { [unowned self] grace in
            if grace > .zero { server.stop(gracePeriod: grace) } else { stopAtOnce() }
        }
        self.attendant = attendant
        try attendant.attend(options)
        if options.offersStatistics { offerStatistics(of: server, options) }
        access?.whenListening { [unowned self] outcome in
            do {
                try outcome.get()
                if let remark = place.remark(on: server) { log.report(remark) }
                try attendant.announce(place.shownAddress(of: server), announce)
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

    /// Stops without waiting for any client, because it cannot do its work.
    func fail(_ failure: Failure) {
        log.note(failure)
        stopAtOnce()
    }

    /// Stops without waiting for clients or tasks.
    private func stopAtOnce() {
        server?.stop()
        task?.cancel()
    }

    // MARK: PipeServerDelegate

    func connectionDidOpen(_ connection: PipeConnection) { counter.didOpen("\(connection)") }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        counter.handle(message, of: connection)
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        counter.count(reason, of: "\(connection)")
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) { log.didRefuse(report) }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) { log.didFailToAccept(error) }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        log.didLoseName(server.address, loss, isPublished: server.isPublished)
    }

    func server(_ server: PipeServer, didSkip error: FramingError) { log.didSkip(server.address, error) }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        log.didFailToRepublish(server.address, error)
    }

    func serverDidStop(_ server: PipeServer) { stopReactor() }
}
