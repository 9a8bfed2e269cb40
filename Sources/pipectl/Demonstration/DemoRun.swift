// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// The demonstration from the first process to the table: a script, because the reactor runs until a condition holds.
final class DemoRun {
    private let reactor: Reactor
    private let clientCount: Int
    private let duration: Duration
    private let lines: [[UInt8]]
    private var progress = Progress()
    private var isInterrupted = false
    private var signals: Signals?

    init(_ reactor: Reactor, clientCount: Int, duration: Duration, lines: [[UInt8]]) throws {
        self.reactor = reactor
        self.clientCount = clientCount
        self.duration = duration
        self.lines = lines
        let limit = raiseDescriptorLimit()
        guard clientCount + 64 <= limit else {
            throw Failure("\(clientCount) clients need more descriptors than the limit of \(limit) (see ulimit -Hn)")
        }
        signals = try Signals(reactor) { [unowned self] count in
            if count == 1 { isInterrupted = true } else { self.reactor.stop() }
        }
    }

    func run() throws {
        let servers = try [EchoServer(reactor, framing: "length"), EchoServer(reactor, framing: "newline")]
        try wait("the servers to listen", for: servers) { servers.allSatisfy { $0.address != nil } }
        guard let address = servers[0].address, let lineAddress = servers[1].address else { return }
        progress.print("server     \(address), 4-byte lengths\nserver     \(lineAddress), lines")

        let began = ContinuousClock.now
        let crowd = Crowd(reactor, address, clientCount: clientCount, lines: lines)
        try wait("the clients to connect", for: servers) {
            crowd.openCount == clientCount || crowd.failure != nil
        }
        let connecting = ContinuousClock.now - began
        if let error = crowd.failure { throw error }
        let strangers = try inviteStrangers(address, lineAddress)
        progress.print(
            "clients    \(grouped(clientCount)) of pipectl, connected in \(readable(connecting)); \(names(strangers))")
        progress.print(
            "text       \(grouped(lines.count)) lines, \(readable(byteCount: lines.reduce(0) { $0 + $1.count }))")

        let time = send(crowd, strangers, servers)
        try wait("the last replies", for: servers, orGoOn: true) {
            crowd.tally.lostCount == 0 && strangers.allSatisfy { $0.exitStatus != nil }
        }
        for server in servers { server.stop() }
        try wait("the servers to stop", for: []) {
            servers.allSatisfy { $0.exitStatus != nil } && crowd.closedCount == clientCount
        }
        let report = DemoReport(crowd: crowd, strangers: strangers, servers: servers, time: time)
        progress.print(report.text)
        if let flaw = report.flaw { throw Failure(flaw) }
        if let failure = progress.failure { throw failure }
    }

    /// Programs that are not installed, or that do not start, are left out.
    private func inviteStrangers(_ address: PipeAddress, _ lineAddress: PipeAddress) throws -> [any Stranger] {
        var strangers: [any Stranger] = []
        if isInstalled("python3") { strangers.append(try PythonStranger(reactor, address, lines: lines)) }
        if let raw = try RawStranger(reactor, lineAddress, lines: lines) { strangers.append(raw) }
        reactor.run(timeout: .seconds(10)) {
            isInterrupted || strangers.allSatisfy { $0.isReady || $0.exitStatus != nil }
        }
        return strangers.filter { $0.isReady && $0.exitStatus == nil }
    }

    private func names(_ strangers: [any Stranger]) -> String {
        strangers.isEmpty ? "no python3, socat or nc here" : strangers.map { "1 of \($0.name)" }.joined(separator: ", ")
    }

    /// - Returns: how long messages were sent.
    private func send(_ crowd: Crowd, _ strangers: [any Stranger], _ servers: [EchoServer]) -> Duration {
        let began = ContinuousClock.now
        var last = (count: 0, time: began)
        let connectionCount = clientCount + strangers.count
        let ticker = reactor.schedule(after: .milliseconds(250), repeating: .milliseconds(250)) { [unowned self] in
            let tally = strangers.reduce(crowd.tally) { $0 + $1.tally }
            let now = ContinuousClock.now
            let rate = Double(tally.rightCount - last.count) / ((now - last.time) / .seconds(1))
            last = (tally.rightCount, now)
            progress.update(
                "\(decimal((now - began) / .seconds(1))) s   \(grouped(connectionCount)) connections   "
                    + "\(grouped(Int(rate))) messages/s   \(grouped(tally.rightCount)) messages   "
                    + readable(byteCount: tally.byteCount))
        }
        crowd.start()
        for stranger in strangers { stranger.start() }
        reactor.run(timeout: duration) {
            isInterrupted || progress.failure != nil || servers.contains { $0.exitStatus != nil }
        }
        ticker.cancel()
        crowd.finish()
        for stranger in strangers { stranger.finish() }
        return ContinuousClock.now - began
    }

    /// Runs the loop until a condition holds; ten seconds without that, or the end of a server, are a failure.
    private func wait(
        _ what: String, for servers: [EchoServer], orGoOn: Bool = false, until condition: () -> Bool
    ) throws {
        let isMet = reactor.run(timeout: .seconds(10)) {
            condition() || servers.contains { $0.exitStatus != nil }
        }
        if reactor.isStopped { throw Failure("interrupted") }
        if orGoOn { return }
        guard isMet, condition() else {
            let ended = servers.compactMap(\.exitStatus).first
            throw Failure(ended.map { "a server ended with status \($0)" } ?? "waited 10 s for \(what)")
        }
    }
}
