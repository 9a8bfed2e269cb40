// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a server whether it lives, and measure how long its answers take.",
        discussion: """
            Asks the server for its statistics, if it offers them (ADDRESS.stat): an answer shows that its loop turns, \
            and disturbs no client. Of other servers it only knows whether they can be connected to, and do not end the \
            connection within --watch; both hold for a blocked server as well, until its queue is full. With --echo, it \
            sends a message that the server has to send back, as pipectl echo does.

              pipectl ping thermostat
              pipectl ping thermostat --count 1 && echo alive
              pipectl ping @echo --echo --framing newline --count 0

            EXIT STATUS
              0   every question was answered
              1   no server, or one that ended a connection or sent something else
              3   an answer did not come within --timeout
            """)

    @OptionGroup var target: DestinationArgument

    @Option(name: .shortAndLong, help: ArgumentHelp("How often to ask; 0 until a signal comes.", valueName: "number"))
    var count = 5

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The time from one question to the next one; 0 for no pause.", valueName: "time"))
    var interval = TimeLimit(seconds: 1)

    @Option(
        help: ArgumentHelp(
            "How long to watch whether a server without statistics ends the connection at once.", valueName: "time"))
    var watch = TimeLimit(milliseconds: 100)

    @Flag(help: "Send a message, and wait for the same one.")
    var echo = false

    @Flag(help: "Print one JSON object at the end.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print the summary alone.")
    var quiet = false

    @OptionGroup var client: ClientOptions
    @OptionGroup var wire: WireOptions

    func validate() throws {
        guard count >= 0 else { throw ValidationError("--count is 0 or more") }
        if watch.duration == nil { throw ValidationError("--watch needs a time") }
    }

    func run() throws {
        let session = PingSession(
            target.destination, client.configuration(wire), timeout: client.timeout.duration,
            patience: watch.orForEver, isEcho: echo)
        let report = try runOnReactor { [self] executor in
            try await session.run(count: count == 0 ? .max : count, interval: interval.duration, on: executor) { line in
                if !json, !quiet { try StandardOutput.print(line + "\n") }
            }
        }
        try StandardOutput.print(json ? jsonLine(report) : report.text)
        if let failure = report.failure { throw failure }
    }
}

/// The results of all questions.
struct PingReport: Encodable, Sendable {
    enum Method: String, Encodable {
        case statistics, echo, connect
    }

    let address: String
    /// What was asked, at last.
    var method: Method
    var askedCount = 0
    var answeredCount = 0
    /// Nil without an answer.
    var latencySeconds: LatencyRecord? { LatencyRecord(latencies) }

    var latencies = LatencyHistogram()
    /// The first failure.
    var failure: Failure?

    private enum CodingKeys: CodingKey { case address, method, askedCount, answeredCount, latencySeconds }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(address, forKey: .address)
        try container.encode(method, forKey: .method)
        try container.encode(askedCount, forKey: .askedCount)
        try container.encode(answeredCount, forKey: .answeredCount)
        try container.encodeIfPresent(latencySeconds, forKey: .latencySeconds)
    }

    var text: String {
        let answers = "\(grouped(askedCount)) asked (\(method.rawValue)), \(grouped(answeredCount)) answered\n"
        return "\(address): \(answers)" + (latencies.count > 0 ? "  \(latencies.text)\n" : "")
    }
}
