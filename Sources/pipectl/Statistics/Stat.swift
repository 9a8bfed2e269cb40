// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram
internal import NamedPipesRPC

struct Stat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the visible state of a live server.",
        discussion: """
            Shows the owner of the name, the listening process, the accepted and the waiting connections, and the resources \
            of the process; and, if the server offers them at ADDRESS.stat (--stat of echo, listen, serve and relay; \
            StatisticsEndpoint in Swift), its own numbers. Connects to the server once, after counting, without sending; \
            with --watch again if another server has taken its place. Ends with status 1 when the server has gone.

            The table of --watch has the open connections, the clients that wait to be accepted, messages and bytes \
            per second in both directions, queued bytes, the share of a CPU, memory, and, for a pool, the open \
            connections of its workers, from the fewest to the most.

              pipectl stat thermostat
              pipectl stat thermostat --watch 1
              pipectl stat thermostat --json | jq .statistics.openCount

            At a broker (nats://…) it opens a session with one of the servers, and shows how that calls itself.
            """)

    @OptionGroup var target: DestinationArgument

    @Flag(help: "Print one JSON object a report.")
    var json = false

    @Option(help: ArgumentHelp("Report repeatedly, with rates, until a signal comes.", valueName: "time"))
    var watch: TimeLimit?

    @Option(help: ArgumentHelp("The time limit for the answers of the server.", valueName: "time"))
    var timeout = TimeLimit(seconds: 5)

    func validate() throws {
        if let watch, watch.orForEver < .milliseconds(10) { throw ValidationError("--watch is at least 10ms") }
        if let watch, watch.duration == nil { throw ValidationError("--watch needs a time") }
    }

    func run() throws {
        do {
            try runOnReactor { [self] executor in
                switch target.destination {
                case .local(let address): try await report(of: address, on: executor)
                case .broker: try await reportSessions(on: executor)
                }
            }
        } catch is CancellationError where watch != nil {
            // The normal end of watching.
        } catch {
            throw Failure(error)
        }
    }

    /// At a broker, where any server of the group answers.
    private func reportSessions(on executor: ReactorExecutor) async throws {
        while true {
            let report: SessionReport =
                try await target.destination.sessionReport(timeout: timeout.duration, on: executor)
            try StandardOutput.print(json ? jsonLine(report) : report.text)
            guard let interval = watch?.duration else { return }
            try await Task.sleep(for: interval)
        }
    }

    private func report(of address: PipeAddress, on executor: ReactorExecutor) async throws {
        // Before this command makes a connection, which must not count.
        var name = NameFacts(of: address)
        var peer = try await listener(of: address, on: executor)
        var last = try await ServerReport(address, name, peer, statistics(of: address, executor))
        try StandardOutput.print(json ? jsonLine(last) : last.text)
        var table = WatchTable()
        while let interval = watch?.duration {
            try await Task.sleep(for: interval)
            let before = name.listener
            name = NameFacts(of: address)
            // Another listener, or none, or none that is visible from here: find out which server is there, if any.
            if name.listener == nil || name.listener != before { peer = try await listener(of: address, on: executor) }
            var next = try await ServerReport(address, name, peer, statistics(of: address, executor))
            next.rates = ServerRates(from: last, to: next)
            try StandardOutput.print(json ? jsonLine(next) : table.lines(next))
            last = next
        }
    }

    private func statistics(of address: PipeAddress, _ executor: ReactorExecutor) async throws -> ServerSnapshot? {
        try await offeredStatistics(beside: address, timeout: timeout.duration, on: executor)
    }

    private func listener(of address: PipeAddress, on executor: ReactorExecutor) async throws -> PeerCredentials {
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = timeout.duration
        configuration.requiredPeer = .anyUser
        return try await PipeClient.withConnection(to: address, configuration: configuration, on: executor) {
            $0.peer
        }
    }
}
