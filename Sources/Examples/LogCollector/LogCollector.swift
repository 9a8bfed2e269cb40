// SPDX-License-Identifier: Apache-2.0
#if Service
import CoreMetrics
import Logging
import NamedPipes
import NamedPipesProgram
import NamedPipesService
import ServiceLifecycle

/// Collects lines from any number of clients in a file that rotates.
///
///     LogCollector [ADDRESS [FILE [BYTES [COUNT]]]]
///
/// Each line is preceded by the time and by its sender, as the kernel reports it. A file that would grow beyond BYTES
/// becomes FILE.1, the previous one FILE.2, up to COUNT. Under systemd, with the units beside this file, the socket is
/// systemd's.
@main
struct LogCollector {
    @MainActor
    static func main() async {
        await PipeProgram.run { program in
            let options = try Options(program.arguments(usage: Options.usage, atMost: 4))
            // At the beginning, before the group has other threads.
            let place = try PipeService.Place.inherited(or: options.address)
            let logger = Logger(label: "log-collector") { label in StreamLogHandler.standardOutput(label: label) }
            let metrics = MetricsLog(logger)
            MetricsSystem.bootstrap(metrics)
            try await run(program, at: place, options, metrics, logger)
        }
    }

    private static func run(
        _ program: PipeProgram, at place: PipeService.Place, _ options: Options, _ metrics: MetricsLog,
        _ logger: Logger
    ) async throws {
        // The disk has its own thread: while that waits, the pipes continue.
        let disk = try ReactorThread(name: "disk") { _ in }
        let pipes = try ReactorThread(name: "pipes", configuration: measuring) { _ in }
        defer {
            for thread in [pipes, disk] {
                thread.stop()
                thread.join()
            }
        }
        let file = try await RotatingFile(options.file, on: disk.executor)
        let lines = LineBuffer(writingTo: file, on: pipes.executor)
        let server = PipeService(
            at: place, configuration: configuration(for: place), logger: logger, on: pipes.executor
        ) { connection in
            for try await line in connection.messages { try await lines.append(line, from: connection.peer) }
        }
        // Stopped in the reverse order: the server empties into the buffer, and the buffer into the file.
        let group = ServiceGroup(services: [metrics, file, lines, server], logger: logger)
        try await program.withStopHandler {
            try await group.run()
        } onStop: {
            await group.triggerGracefulShutdown()
        }
    }

    private static var measuring: Reactor.Configuration {
        var configuration = Reactor.Configuration()
        configuration.measuresCallbacks = true
        return configuration
    }

    private static func configuration(for place: PipeService.Place) -> PipeService.Configuration {
        var configuration = PipeService.Configuration(
            framing: DelimiterFraming([0x0A], maximumMessageByteCount: 64 << 10))
        // The unit of systemd's socket says who may connect.
        if case .inherited = place { configuration.server.accessPolicy = .anyUser }
        configuration.onEvent = { server, event in
            if case .listening = event { PipeProgram.report("listening on \(server.address)") }
        }
        return configuration
    }
}
#else
@main
enum LogCollector {
    static func main() { print("LogCollector needs the package's trait Service, which this build is without.") }
}
#endif
