// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send what the clients of a recording sent, and compare the answers.",
        discussion: """
            Opens as many connections as were recorded, each when it began, and sends its messages at the times at which \
            they were sent. With --speed max, a message goes when the answers that were recorded before it have come, \
            and a connection begins when those that had ended before it are done. The answers of each connection are \
            compared with the recorded ones, in their order. The status is 0 if all are alike, 3 if an answer did not come \
            in time, and 1 otherwise.

              pipectl record thermostat talk.pcapng --count 1000
              pipectl replay talk.pcapng thermostat-test --speed max
              pipectl replay talk.pcapng thermostat-test --speed 10 --ignore-answers

            Recorded messages have no frames: --framing has to be the server's. With --framing raw, the messages are \
            pieces of a stream, and their sizes do not matter. After the last answer the server is told that no more \
            follows. What it still sends then is a difference as well, until it closes, is silent for --settle, or --timeout \
            is over.
            """)

    @Argument(help: "The recording, by pipectl record, or - for standard input.", completion: .file())
    var file: String

    @OptionGroup var target: DestinationArgument

    @Option(
        help: ArgumentHelp(
            "How fast: 1 as recorded, 10 ten times as fast, max as fast as it is answered.",
            valueName: "factor"))
    var speed = ReplayPace.times(1)

    @Flag(help: "Neither wait for the recorded answers nor compare them.")
    var ignoreAnswers = false

    @Option(help: ArgumentHelp("How many differences to print.", valueName: "number"))
    var differences = 10

    @Option(
        help: ArgumentHelp(
            "How long a server that does not close has to be silent after the recording.", valueName: "time"))
    var settle = TimeLimit(seconds: 1)

    @Flag(help: "Print one JSON object with the counts, and the differences on standard error.")
    var json = false

    @OptionGroup var client: ClientOptions
    @OptionGroup var wire: WireOptions

    func validate() throws {
        if differences < 0 { throw ValidationError("--differences is a number of lines") }
    }

    func run() throws {
        let recording = try Recording(contentsOf: file)
        for remark in recording.remarks { StandardError.note(remark) }
        let scripts = try ReplayScript.all(
            of: recording, isStream: wire.framing == "raw", needsAnswers: !ignoreAnswers)
        let plan = ReplaySession.Plan(
            scripts: scripts, pace: speed, comparesAnswers: !ignoreAnswers, timeout: client.timeout.duration,
            settlingTime: settle.orForEver, shownCount: differences)
        let session = try ReplaySession(Reactor(), to: target.destination, client.configuration(wire), plan) {
            [json] line in
            if json { StandardError.note(line) } else { try StandardOutput.print(line + "\n") }
        }
        try session.run()
        let report = session.report
        try StandardOutput.print(json ? jsonLine(report) : report.text(comparesAnswers: !ignoreAnswers) + "\n")
        if let failure = session.failure { throw failure }
        if !report.isAlike { throw Failure("the answers are not those that were recorded (\(report.troubles))") }
    }
}
