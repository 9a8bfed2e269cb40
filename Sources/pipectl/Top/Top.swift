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
            directions, what waits to be sent, for how long it has been idle, and its age. Above them, unless --once is \
            given, a line for each worker of a pool, with the share of a CPU that it used. On a terminal, the screen is \
            drawn again until q is pressed or a signal comes, and the arrow keys (or < and >) change the order; \
            otherwise, each report is printed below the last one.

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
            throw Failure(of: error, at: address, offeredBy: "--stat")
        }
    }

    /// Until a signal comes, or a key says so.
    private func watch(_ executor: ReactorExecutor, _ screen: TopScreen) async throws {
        let keyboard = TopKeyboard(TopChoice(order: sort))
        defer { keyboard.stop() }
        var last: ConnectionList?
        var lastWorkers: WorkerSample?
        // A plain server has none, and never will.
        var mayHaveWorkers = !once && !json
        while !keyboard.hasQuit {
            if screen.isLive { try keyboard.listen(on: executor.reactorOfThisThread) }
            let order = keyboard.choice.order
            let list = try await StatisticsEndpoint.connections(
                beside: address, order: order, limit: limit, timeout: timeout.orForEver, on: executor)
            var workers: WorkerSample?
            if mayHaveWorkers {
                workers = try await sampleWorkers(on: executor)
                mayHaveWorkers = workers != nil
            }
            try show(list, since: last, workers, since: lastWorkers, screen, order)
            if once { return }
            (last, lastWorkers) = (list, workers)
            try await keyboard.wait(interval.orForEver)
        }
    }

    private func sampleWorkers(on executor: ReactorExecutor) async throws -> WorkerSample? {
        let snapshot = try await StatisticsEndpoint.ask(beside: address, timeout: timeout.orForEver, on: executor)
        guard !snapshot.workers.isEmpty else { return nil }
        return WorkerSample(snapshot, threads: ThreadFacts.cpuSeconds(of: snapshot.processID))
    }

    private func show(
        _ list: ConnectionList, since last: ConnectionList?, _ workers: WorkerSample?,
        since lastWorkers: WorkerSample?, _ screen: TopScreen, _ order: ConnectionList.Order
    ) throws(Failure) {
        if json { return try StandardOutput.print(jsonLine(list)) }
        let report = TopReport(
            list, since: last, workers: workers.map { WorkerReport($0, since: lastWorkers) },
            hint: screen.isLive ? "sorted by \(order.rawValue)  (< and > change the order, q quits)" : nil)
        try screen.show(report.text(title: "\(address)", .output))
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
    ///
    /// - Parameter option: the option of the server that offers what was asked for.
    init(of error: any Error, at address: PipeAddress, offeredBy option: String) {
        switch error {
        case PipeError.noServer:
            self.init(
                "\(address) offers no statistics, or has no server (\(option) of its server; pipectl stat shows both)")
        case let error as JSONRPCError where error.code == .methodNotFound:
            self.init("\(address) does not offer that (\(option) of its server; StatisticsEndpoint.Offer in Swift)")
        case let error as JSONRPCError: self.init(printable("\(error)"))
        default: self.init(error)
        }
    }
}
