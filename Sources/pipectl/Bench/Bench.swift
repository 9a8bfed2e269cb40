// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure rate and latency of a live server that answers each message.",
        discussion: """
            Sends messages to a server that answers each of them with one message, such as pipectl echo, and checks \
            every reply: its content, and its place among those of its connection. Ends with status 1 if a reply is \
            wrong or missing, and 3 if none comes within --timeout.

            Without --rate, each connection sends its next message when one has been answered (closed loop), and \
            --in-flight are on their way. With --rate, messages are due at that rate whether or not the server keeps up \
            (open loop), and latency counts from the time at which a message was due.

            The warm-up is not counted. A signal ends the measurement early, with what was measured and status 1.

              pipectl bench thermostat
              pipectl bench thermostat --connections 100 --in-flight 16 --size 4KiB
              pipectl bench thermostat --rate 20000 --duration 30s
              pipectl bench sums --message '{"jsonrpc":"2.0","id":1,"method":"ping"}'
              pipectl bench old --compare new --json

            With --compare, two servers are measured in turns, and the second one's figures are divided by the first \
            one's, round by round: the median ratio, and the lowest and the highest one.
            """)

    @OptionGroup var target: DestinationArgument
    @OptionGroup var load: LoadOptions
    @OptionGroup var rounds: RoundOptions

    @Option(
        help: ArgumentHelp("A second server, to be measured in turns with the first one.", valueName: "address"),
        completion: .liveAddresses, transform: parseDestination)
    var compare: Destination?

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show no progress. (It is only shown on a terminal.)")
    var quiet = false

    @OptionGroup var client: ClientOptions
    @OptionGroup var wire: WireOptions
    @OptionGroup var loop: LoopOptions

    func validate() throws {
        try load.check(wire)
        try rounds.check(isComparison: compare != nil)
    }

    func run() throws {
        let limit = raiseDescriptorLimit()
        let servers = [target.destination] + (compare.map { [$0] } ?? [])
        guard load.connections * servers.count + 64 <= limit else {
            throw Failure("\(load.connections) connections exceed the limit of \(limit) descriptors (see ulimit -Hn)")
        }
        let reactor = try loop.makeReactor()
        // Ends the remaining clients and releases them, whatever the outcome.
        defer {
            reactor.stop()
            reactor.run()
        }
        let plan = load.plan(client.configuration(wire), wire, timeout: client.timeout.duration)
        let run = try BenchRun(reactor, rounds.schedule(isComparison: compare != nil), showsProgress: !quiet)
        try run.run(servers, plan)
        if run.rounds.contains(where: { !$0.isEmpty }) {
            let report = BenchReport(servers.map(\.description), plan, run.rounds)
            try StandardOutput.print(json ? jsonLine(report) : report.text)
        }
        if let failure = run.failure { throw failure }
    }
}
