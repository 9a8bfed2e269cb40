// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram
internal import NamedPipesRPC

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the connections of a live server, busiest first.",
        discussion: """
            A line for each connection: its identifier, the process and its program, the rates of messages in both \
            directions, what waits to be sent, for how long it has been idle, and its age. On a terminal, the screen is \
            drawn again until a signal comes; otherwise, each report is printed below the last one.

              pipectl top thermostat
              pipectl top thermostat --sort idle --limit 10
              pipectl top thermostat --once --json | jq '.connections[].processID'

            The server has to offer its statistics at ADDRESS.stat (--stat of echo, listen, serve and relay; \
            StatisticsEndpoint in Swift), which admits its own user and root. Rates, idle times and ages are known only \
            of servers that keep statistics of connections, as pipectl's do.
            """)

    @Argument(
        help: "The name of the pipe; see pipectl --help.", completion: .liveAddresses, transform: parseAddress)
    var address: PipeAddress

    @Option(
        help: "Which connections come first: queued, received, sent (bytes), idle or age.", completion: .list(orders),
        transform: parseOrder)
    var sort = ConnectionList.Order.queued

    @Option(help: "How many connections to show, at most 1000.")
    var limit = 20

    @Option(help: ArgumentHelp("The time between two reports.", valueName: "time"))
    var interval = TimeLimit(seconds: 1)

    @Flag(help: "Report once, and end.")
    var once = false

    @Flag(help: "Print one JSON object a report.")
    var json = false

    @Option(help: ArgumentHelp("The time limit for the server's answers.", valueName: "time"))
    var timeout = TimeLimit(seconds: 5)

    func validate() throws {
        guard 1...ConnectionList.maximumCount ~= limit else {
            throw ValidationError("--limit is 1 to \(ConnectionList.maximumCount)")
        }
        guard let interval = interval.duration, interval >= .milliseconds(10) else {
            throw ValidationError("--interval is at least 10ms")
        }
    }

    func run() throws {
        let screen = TopScreen(isLive: !once && !json && Terminal.isLive(STDOUT_FILENO))
        do {
            try runOnReactor { [self] executor in try await watch(executor, screen) }
        } catch is CancellationError {
            // The normal end of watching.
        } catch {
            throw Failure(of: error, at: address)
        }
    }

    private func watch(_ executor: ReactorExecutor, _ screen: TopScreen) async throws {
        var last: ConnectionList?
        while true {
            let list = try await StatisticsEndpoint.connections(
                beside: address, order: sort, limit: limit, timeout: timeout.orForEver, on: executor)
            try show(list, since: last, screen)
            if once { return }
            last = list
            try await Task.sleep(for: interval.orForEver)
        }
    }

    private func show(_ list: ConnectionList, since last: ConnectionList?, _ screen: TopScreen) throws(Failure) {
        if json { return try StandardOutput.print(jsonLine(list)) }
        try screen.show(TopReport(list, since: last).text(title: "\(address)"))
    }
}

private let orders = ConnectionList.Order.allCases.map(\.rawValue)

@Sendable
private func parseOrder(_ text: String) throws -> ConnectionList.Order {
    guard let order = ConnectionList.Order(rawValue: text) else {
        throw ValidationError("choose one of \(orders.joined(separator: ", "))")
    }
    return order
}

extension Failure {
    /// An error of a request to ADDRESS.stat.
    init(of error: any Error, at address: PipeAddress) {
        switch error {
        case PipeError.noServer:
            self.init(
                "\(address) offers no statistics, or has no server (--stat of its server; pipectl stat shows both)")
        case let error as JSONRPCError where error.code == .methodNotFound:
            self.init("\(address) does not offer that (\(printable("\(error)")))")
        case let error as JSONRPCError: self.init(printable("\(error)"))
        default: self.init(error)
        }
    }
}
