// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Demonstrate it: a server process and a thousand clients, some of them other programs.",
        discussion: """
            Starts two servers of its own (pipectl echo) on fresh names, connects clients to them, among them one in \
            Python and one of socat or nc where they are installed, sends the lines of a text through all of them, and \
            compares every reply. Ends with a table, and with status 1 if a reply was lost or wrong. It stops \
            all processes that it has started.
            """)

    @Option(help: ArgumentHelp("The number of pipectl's own clients.", valueName: "number"))
    var clients = 1000

    @Option(help: ArgumentHelp("How long to send.", valueName: "number"))
    var seconds = 5.0

    @Option(
        help: ArgumentHelp(
            "The text to send. The default is the README.md of the directory or the nearest one above it.",
            valueName: "file"))
    var text: String?

    func validate() throws {
        guard (1...100_000).contains(clients) else { throw ValidationError("--clients is from 1 to 100000") }
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds is more than 0 and at most 3600") }
    }

    func run() throws {
        let lines = try DemoText.lines(of: text)
        let reactor = try Reactor()
        let run = try DemoRun(reactor, clientCount: clients, duration: .seconds(seconds), lines: lines)
        // Ends the remaining clients and releases them, whatever the outcome.
        defer {
            reactor.stop()
            reactor.run()
        }
        do {
            try run.run()
        } catch {
            throw Failure(error)
        }
    }
}
