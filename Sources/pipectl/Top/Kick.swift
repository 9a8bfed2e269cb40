// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram
internal import NamedPipesRPC

struct Kick: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End one connection of a live server at once.",
        discussion: """
            Messages that wait to be sent to the client are dropped. The identifier is the one that pipectl top shows, \
            and that the server's log has.

              pipectl top thermostat --once
              pipectl kick thermostat 17.1

            The server has to offer it at ADDRESS.stat (--allow-kick of echo, listen, serve and relay; \
            StatisticsEndpoint.Offer in Swift), which admits its own user and root. The status is 1 if there is no such \
            connection.
            """)

    @Argument(
        help: "The name of the pipe; see pipectl --help.", completion: .liveAddresses, transform: parseAddress)
    var address: PipeAddress

    @Argument(help: "The connection's identifier, such as 17.1.", transform: parseText)
    var id: String

    @Option(help: ArgumentHelp("The time limit for the server's answer.", valueName: "time"))
    var timeout = TimeLimit(seconds: 5)

    @Flag(help: "Print one JSON object: address, connection, and isEnded.")
    var json = false

    private struct Outcome: Encodable {
        let address: String
        let connection: String
        let isEnded: Bool
    }

    func run() throws {
        let isEnded: Bool
        do {
            isEnded = try runOnReactor { [self] executor in
                try await StatisticsEndpoint.disconnect(id, beside: address, timeout: timeout.orForEver, on: executor)
            }
        } catch is CancellationError {
            throw Failure("interrupted")
        } catch {
            throw Failure(of: error, at: address, offeredBy: "--allow-kick")
        }
        if json {
            try StandardOutput.print(jsonLine(Outcome(address: "\(address)", connection: id, isEnded: isEnded)))
        }
        guard isEnded else { throw Failure("\(address) has no connection \(printable(id))") }
    }
}
