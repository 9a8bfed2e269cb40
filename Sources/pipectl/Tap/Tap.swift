// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Tap: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch the messages of a live server go by.",
        discussion: """
            A line for each message: when, on which connection, the client's program and process, the direction, the \
            size, and the beginning of the message, escaped. An arrow to the right is a message to the server.

              pipectl tap thermostat
              pipectl tap thermostat --pid 4711 --grep error
              pipectl tap thermostat --sizes --direction out
              pipectl tap thermostat --json --count 100 | jq .message

            Clients never wait for a tap: if its output is read too slowly, it loses messages, and says how many. With \
            --json each line is an object: time, connection, direction, peer (uid and pid), sequence, size, and \
            message, or base64 in its place; or lost, the number of messages that are missing there. The size is that \
            of the whole message, of which at most 256KiB can be seen.

            It shows what other users send. Therefore the server has to offer it at ADDRESS.stat (--allow-tap of echo, \
            listen, serve and relay; StatisticsEndpoint.Offer in Swift), which admits its own user and root. The \
            status is 1 if it does not, or once it ends.

              pipectl tap /run/other/app.sock --between --framing newline

            With --between, for servers that offer nothing, this process takes the server's name until it ends, and \
            passes bytes on between the server and each client. What that changes is in the help of pipectl record.
            """)

    @Argument(
        help: "The name of the pipe; see pipectl --help.", completion: .liveAddresses, transform: parseAddress)
    var address: PipeAddress

    @OptionGroup var filter: CaptureOptions
    @OptionGroup var between: BetweenOptions

    @Option(
        help: ArgumentHelp("Show only messages that contain this text.", valueName: "text"), transform: parseText)
    var grep: String?

    @Flag(help: "Show sizes, and no messages.")
    var sizes = false

    @Option(
        help: ArgumentHelp("How much of each message to show, at most 256KiB. (default: 1KiB)", valueName: "size"))
    var limit: ByteSize?

    @Flag(help: "Print one JSON object a message.")
    var json = false

    @Option(help: ArgumentHelp("End after this number of messages.", valueName: "number"))
    var count: Int?

    @Option(help: ArgumentHelp("The time limit for the connection, and for the first answer.", valueName: "time"))
    var timeout = TimeLimit(seconds: 5)

    func validate() throws {
        guard 1...ServerCapture.maximumContentLimit ~= shownByteCount || sizes else {
            throw ValidationError("--limit is at least 1 and at most 256KiB; --sizes shows nothing of a message")
        }
        if sizes, limit != nil { throw ValidationError("--sizes shows nothing of a message; it needs no --limit") }
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
        if let grep, grep.isEmpty { throw ValidationError("--grep needs a text") }
    }

    /// How many bytes of a message are shown at most.
    var shownByteCount: Int { sizes ? 0 : limit?.byteCount ?? 1 << 10 }

    func run() throws {
        // A text is looked for in all that the source reports.
        let limit = grep == nil ? shownByteCount : nil
        let capture = between.source(address, filter.filter, contentLimit: limit, timeout: timeout.duration) {
            StandardError.note($0)
        }
        do {
            try runOnReactor { [self, capture] executor in
                // Used on the reactor's thread only.
                nonisolated(unsafe) var output = TapOutput(
                    text: grep, byteLimit: shownByteCount, count: count, isJSON: json)
                try await capture.run(on: executor) { events in try unsafe output.print(events) }
            }
        } catch is CancellationError, is TapOutput.Complete, is StandingBetween.Unread {
            // The normal ends of watching; the thread that waits for a reader ends with the process.
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(error)
        }
    }
}
