// SPDX-License-Identifier: Apache-2.0
#if Service
import InMemoryLogging
import Logging
import NamedPipes
import NamedPipesService
import PipeTestSupport
import ServiceLifecycle

/// A service in a group of its own, while a test's function runs.
struct Running {
    var configuration = PipeService.Configuration()
    let address: PipeAddress
    let journal: Journal
    private let listening: AsyncStream<Void>
    private let announce: AsyncStream<Void>.Continuation

    init(level: Logger.Level = .trace) throws {
        (listening, announce) = AsyncStream.makeStream()
        address = try PipeAddress.unique(prefix: "service")
        journal = Journal(level)
        configuration.notifier = nil
        configuration.onEvent = { [announce] _, event in
            if case .listening = event { announce.yield() }
        }
    }

    /// Clients can connect: for services whose events do not come here by themselves.
    func didListen() { announce.yield() }

    /// Serves with a task for each connection.
    func run(
        handler: @escaping @Sendable (AsyncPipeConnection) async throws -> Void = echo,
        while body: @escaping @Sendable (ServiceGroup) async throws -> Void
    ) async throws {
        try await run(
            PipeService(
                at: .address(address), configuration: configuration, logger: journal.logger, handler: handler),
            while: body)
    }

    /// Calls the function once clients can connect, and then shuts the group down gracefully.
    func run(
        _ service: PipeService, while body: @escaping @Sendable (ServiceGroup) async throws -> Void
    ) async throws {
        let group = ServiceGroup(services: [service], logger: Journal(.critical).logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { announce.finish() }
                try await group.run()
            }
            if await listening.first(where: { _ in true }) != nil { try await body(group) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// Sends every message back.
@Sendable func echo(_ connection: AsyncPipeConnection) async throws {
    for try await message in connection.messages { try await connection.send(message) }
}

/// Sends a text, and returns the reply.
func ask(_ address: PipeAddress, _ text: String) async throws -> String? {
    try await PipeClient.withConnection(to: address) { connection in
        try await connection.send(text)
        return try await connection.nextMessage().flatMap { String(copying: $0) }
    }
}

/// A log in memory.
struct Journal: Sendable {
    private let handler: InMemoryLogHandler
    let logger: Logger

    init(_ level: Logger.Level) {
        let handler = InMemoryLogHandler()
        self.handler = handler
        var logger = Logger(label: "test") { _ in handler }
        logger.logLevel = level
        self.logger = logger
    }

    private var entries: [InMemoryLogHandler.Entry] { handler.entries }

    /// Level and text of each line.
    var lines: [String] { entries.map { "\($0.level) \($0.message)" } }

    /// The metadata of the first such line; nil if there is none.
    func metadata(_ line: String) -> [String: String]? {
        entries.first { "\($0.level) \($0.message)" == line }?.metadata.mapValues { "\($0)" }
    }

    /// The whole text of the log.
    var text: String { entries.map { "\($0.message) \($0.metadata)" }.joined(separator: "\n") }
}
#endif
