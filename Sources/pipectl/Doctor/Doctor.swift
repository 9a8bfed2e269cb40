// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out why a client of this user cannot connect.",
        discussion: """
            Checks, in the order in which the kernel decides: the permission to search each directory, the file and \
            its kind, the permission to connect, the process that listens, whether it was stopped, its queue; then it \
            connects, without sending, and watches whether the server ends the connection at once. The first check \
            that fails is the last one, with a remedy. Run it as the user whose client cannot connect.

              pipectl doctor /run/app/echo.sock
              sudo -u alice pipectl doctor /run/app/echo.sock
              pipectl doctor thermostat --json | jq -r '.checks[-1].remedy'

            Whether both ends have the same framing shows with the first message: see pipectl send --reply.

            EXIT STATUS
              0   a client can connect, and is admitted
              1   it cannot, or is not
            """)

    @Argument(
        help: ArgumentHelp("The name of the pipe; see pipectl --help.", valueName: "address"),
        completion: .liveAddresses,
        transform: parseAddress)
    var address: PipeAddress

    @Option(help: ArgumentHelp("The time limit for the connection.", valueName: "time"))
    var timeout = TimeLimit(seconds: 5)

    @Option(
        help: ArgumentHelp("How long to watch whether the server ends the connection at once.", valueName: "time"))
    var watch = TimeLimit(milliseconds: 300)

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if watch.duration == nil { throw ValidationError("--watch needs a time") }
    }

    func run() throws {
        let diagnosis: Diagnosis
        do {
            diagnosis = try runOnReactor { [self] executor in try await examine(on: executor) }
        } catch is CancellationError {
            throw Failure("interrupted")
        } catch {
            throw Failure(error)
        }
        try StandardOutput.print(json ? jsonLine(diagnosis) : diagnosis.text(.output))
        if let check = diagnosis.checks.last, !check.isPassed { throw Failure("\(check.name): \(check.finding)") }
    }

    private func examine(on executor: ReactorExecutor) async throws -> Diagnosis {
        var diagnosis = Diagnosis(of: "\(address)")
        if let path = address.filePath {
            diagnosis.examine(path: path, kind: address.kind)
            guard diagnosis.isReachable else { return diagnosis }
        }
        if address.kind == .fifo {
            address.filePath.map { diagnosis.examineReader(ofFIFO: $0) }
        } else {
            try await diagnosis.examineServer(
                at: address, timeout: timeout.duration, patience: watch.orForEver, on: executor)
        }
        return diagnosis
    }
}

extension PipeAddress {
    /// The path of a socket file or of a FIFO.
    fileprivate var filePath: String? { kind == .fifo ? text : path }
}
