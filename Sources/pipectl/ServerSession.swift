// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// A server that counts, and stops when it is told to: what `echo` and `listen` have in common.
final class ServerSession: PipeServerDelegate {
    /// What is done with a message; throws what ends its connection.
    typealias Handler = (_ connection: PipeConnection, _ message: Span<UInt8>) throws(PipeError) -> Void

    let reactor: Reactor
    private let handler: Handler?
    private var server: PipeServer?
    private var inputWatch: DescriptorWatch?
    private var signals: Signals?
    /// What serves, where tasks do.
    var task: Task<Void, Never>?
    private var lastComplaint: ContinuousClock.Instant?

    private let manager = ServiceNotifier.current

    private var messageCount = 0
    private var byteCount = 0
    private var endings: [String: Int] = [:]

    /// - Parameter handler: nil where tasks handle messages instead; see ``serve(_:_:_:announce:handler:)``.
    init(_ reactor: Reactor, handler: Handler? = nil) {
        self.reactor = reactor
        self.handler = handler
    }

    /// Serves until a signal.
    ///
    /// - Parameter announce: gets the line that says that clients can connect, and the one that says how it went.
    func run(_ address: PipeAddress?, _ wire: WireOptions, _ options: ServerOptions, announce: (String) -> Void) throws
    {
        raiseDescriptorLimit()
        var configuration = PipeServer.Configuration()
        wire.apply(to: &configuration.connection)
        do {
            try attend(to: options.place(address).makeServer(configuration, reactor, self), options, announce)
            reactor.run()
        } catch {
            throw Failure(error)
        }
        announce("stopped after \(summary)")
    }

    /// Says that the server is there, and stops it when it is told to.
    func attend(to server: PipeServer, _ options: ServerOptions, _ announce: (String) -> Void) throws {
        self.server = server
        signals = try Signals(reactor) { [unowned self] count in
            tellManager(.stopping)
            if count == 1 { server.stop(drainingFor: options.grace.orForEver) } else { stopAtOnce() }
        }
        if options.stat { offerStatistics(of: server, takingOver: options.takeOver) }
        if options.untilInputEnds { try watchInput(grace: options.grace.orForEver) }
        announce("listening on \(server.address)")
        tellManager(.ready, .status("listening on \(server.address)"))
    }

    /// Stops without waiting for anybody, because nobody takes our output any more.
    func stop() { server?.stop() }

    /// Stops without waiting for anybody, tasks neither.
    private func stopAtOnce() {
        server?.stop()
        task?.cancel()
    }

    private func watchInput(grace: Duration) throws(SystemError) {
        inputWatch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in
            var bytes: [UInt8] = Array(repeating: 0, count: 4096)
            guard unsafe read(STDIN_FILENO, &bytes, bytes.count) == 0 else { return }
            inputWatch?.cancel()
            server?.stop(drainingFor: grace)
        }
    }

    var summary: String {
        let reasons = endings.sorted { $0.key < $1.key }.map { "\(grouped($0.value)) \($0.key)" }
        let connections = counted(endings.values.reduce(0, +), "connection")
        let ends = reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"
        return "\(connections)\(ends), \(counted(messageCount, "message")), \(readable(byteCount: byteCount))"
    }

    func count(_ byteCount: Int) {
        messageCount += 1
        self.byteCount += byteCount
    }

    func count(_ reason: DisconnectReason, of connection: @autoclosure () -> String) {
        endings[reason.text, default: 0] += 1
        if case .framing = reason { complain("\(connection()) was \(reason.text)") }
    }

    // MARK: PipeServerDelegate

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        count(message.count)
        do {
            try handler?(connection, message)
        } catch .notConnected {
            // The peer has gone before its answer; didCloseWith tells.
        } catch {
            complain("\(connection): \(Failure(error).message)")
            connection.abort()
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        count(reason, of: "\(connection)")
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) { complain("\(report)") }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) {
        complain("cannot accept: \(error) (ulimit -n shows how many descriptors there may be)")
    }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) {
        complain("\(server.address) \(loss)\(server.isPublished ? ", and is published again" : "")")
        if case .takenOver = loss { tellManager(.stopping) }
    }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) {
        complain("\(server.address) cannot be published again: \(error)")
    }

    func serverDidStop(_ server: PipeServer) { reactor.stop() }

    /// A manager that does not hear is no reason not to serve.
    func tellManager(_ states: ServiceNotifier.State...) {
        do { try manager?.notify(states) } catch { complain("the service manager was not told: \(error)") }
    }

    /// At most once a second: whoever can cause complaints could otherwise fill a log.
    func complain(_ text: String) {
        let now = ContinuousClock.now
        if let last = lastComplaint, now - last < .seconds(1) { return }
        lastComplaint = now
        StandardError.note(text)
    }
}

/// Allows as many descriptors as this process may have, since each connection needs one.
///
/// - Returns: how many.
@discardableResult
func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0 else { return 1024 }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(resource, &limit)
    return Int(clamping: limit.rlim_cur)
}
