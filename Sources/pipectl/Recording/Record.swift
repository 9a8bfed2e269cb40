// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record the messages of a live server into a file that Wireshark opens.",
        discussion: """
            The file is a pcapng file with all messages between the server and its clients, or those that the options \
            select, with their times, clients and directions. It holds their contents, and so may hold secrets: only \
            this user can read it. FILE is new, or - for standard output. It ends at a signal, after --count messages \
            or --duration, or with the server, which is status 1; what was recorded until then is in the file.

              pipectl record thermostat talk.pcapng
              wireshark -X lua_script:PREFIX/share/pipectl/namedpipes.lua talk.pcapng
              pipectl replay talk.pcapng thermostat

            PREFIX is /usr of the package, and that of make install otherwise.

            The server has to offer it at ADDRESS.stat (--allow-tap of echo, listen, serve and relay; \
            StatisticsEndpoint.Offer in Swift), as for pipectl tap. It never waits: messages that it cannot report are \
            lost, and counted. Of a message, it reports 256KiB at most.

              pipectl record /run/other/app.sock talk.pcapng --between --framing newline

            For servers that offer nothing, use --between: this process takes the server's name, and passes bytes on \
            between the server and each client. Before that, it connects once to see that the server is there. The \
            server then sees this process as its client, with this user's rights, and no descriptors that clients \
            send. Other users are refused, unless --any-user admits them. Connections that already exist bypass it; \
            those from then on end with the recording, which gives the name back. If the process is killed, the name \
            is dead until the server's socket is moved back to it (mv -T ADDRESS.behind ADDRESS). Servers of this library \
            are refused: they can be tapped themselves.
            """)

    @Argument(
        help: "The name of the pipe; see pipectl --help.", completion: .liveAddresses, transform: parseAddress)
    var address: PipeAddress

    @Argument(help: "The file to make, or -.", completion: .file())
    var file: String

    @OptionGroup var filter: CaptureOptions
    @OptionGroup var between: BetweenOptions

    @Option(
        help: ArgumentHelp(
            "Record this much of each message; those that are cut cannot be replayed. (default: all)",
            valueName: "size"))
    var limit: ByteSize?

    @Option(help: ArgumentHelp("End after this many messages.", valueName: "number"))
    var count: Int?

    @Option(help: ArgumentHelp("End after this time.", valueName: "time"))
    var duration: TimeLimit?

    @Flag(help: "Replace a file that exists.")
    var force = false

    @Flag(help: "At the end, print one JSON object: address, file, messages, bytes, and lost.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "The time limit for each connection to the server, and for its first answer.", valueName: "time"))
    var timeout = TimeLimit(seconds: 5)

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
        if json, place == .standardOutput { throw ValidationError("--json needs a FILE: the recording is the output") }
    }

    private var place: RecordingFile.Place { file == "-" ? .standardOutput : .path(Arguments.bytes(of: file)) }

    func run() throws {
        try RecordingFile.check(place, replacing: force)
        let session = RecordSession(
            of: "\(address)", to: place, replacing: force, messageLimit: count, printsResult: json)
        // A file takes what it is given; another reader may have stopped reading.
        let source = between.source(
            address, filter.filter, contentLimit: limit?.byteCount, timeout: timeout.duration,
            patience: place == .standardOutput ? .seconds(1) : nil
        ) { session.report($0) }
        let result = Swift.Result {
            try runOnReactor { [duration] executor in
                try await source.run(on: executor, for: duration?.duration) { try session.take($0) }
            }
        }
        try session.conclude(result)
    }
}

extension CaptureSource {
    /// Captures for a time at most, from when it has begun; nil for as long as it goes on.
    fileprivate func run(
        on executor: ReactorExecutor, for time: Duration?, _ take: @escaping @Sendable ([CaptureEvent]) throws -> Void
    ) async throws {
        let (beginning, begin) = AsyncStream<Never>.makeStream()
        let capture = Task(executorPreference: executor) {
            try await run(on: executor) { events in
                try take(events)
                begin.finish()
            }
        }
        let alarm = time.map { time in
            Task {
                for await _ in beginning {}
                try await Task.sleep(for: time)
                capture.cancel()
            }
        }
        defer { alarm?.cancel() }
        try await withTaskCancellationHandler {
            try await capture.value
        } onCancel: {
            capture.cancel()
        }
    }
}

extension RecordingEncoder.Totals {
    /// `12 messages, 3.4 kB, 2 lost`.
    var text: String {
        let lost = lostCount > 0 ? ", \(grouped(lostCount)) lost" : ""
        return "\(counted(messageCount, "message")), \(readable(byteCount: byteCount))\(lost)"
    }
}
