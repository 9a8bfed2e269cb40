// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import NamedPipes

/// A second name beside a server's own, `ADDRESS.stat`, at which it reports its statistics: to `pipectl stat`, and to
/// every client that speaks JSON-RPC 2.0.
///
/// ```swift
/// let server = try PipeServer(listeningOn: .runtime("echo"), reactor: reactor, delegate: Echo())
/// let statistics = Task { [reference = server.reference] in
///     try await StatisticsEndpoint.serve(reference, beside: try .runtime("echo"))
/// }
/// ```
///
/// The method `statistics` has a ``ServerSnapshot`` as its result, and `connections` a ``ConnectionList``, with the
/// parameters `order` and `limit`. Messages are lines, so that a shell can ask as well:
///
///     echo '{"jsonrpc": "2.0", "id": 1, "method": "statistics"}' | nc -U -N /run/user/1000/echo.stat
///
/// The method `disconnect` ends a connection, whose `id` is its parameter. It exists only where the owner offers it;
/// see ``Offer/kick``. So does the method `tap`, which reports messages while they go by; see ``Offer/tap``.
///
/// For a plain server, it runs on the server's own reactor, so an answer also shows that the loop turns. The answer of
/// a pool waits for a turn of each worker. It has the sum of their numbers, and, for a client that asks with the
/// parameters `{"workers": true}`, as ``ask(beside:timeout:on:)`` does, those of each one.
///
/// Only the server's own user and root are admitted, whatever the server's own policy. There are 16 connections at
/// most, and one that is idle for a minute is closed.
public enum StatisticsEndpoint {
    /// What is offered beside numbers. Nothing is unless the owner says so, because it goes past the server's own
    /// access policy.
    public struct Offer: OptionSet, Sendable {
        /// The options as bits.
        public let rawValue: UInt

        /// Creates options from bits.
        public init(rawValue: UInt) { self.rawValue = rawValue }

        /// To end a connection at once, as `PipeConnection.abort()` does: `pipectl kick`.
        public static let kick = Offer(rawValue: 1)

        /// To watch the messages of all connections while they go by: `pipectl tap`.
        ///
        /// The method `tap` has the parameters `connection`, `userID`, `processID` and `direction` (`toServer` or
        /// `toClient`), which choose messages, and `contentLimit`, the number of bytes of each to report; 0 is for
        /// sizes only. All may be left out. Its reply comes when the server stops. Until then there are notifications
        /// `messages`: `messages` is an array, whose objects have `connection`, `direction`, `userID`, `processID`,
        /// `time` (in microseconds since 1970), `sequence`, `size`, and `text` or `base64`; `lost` is the number of
        /// messages that went by unseen behind these.
        ///
        /// No client of the server waits for a tap: one whose reports are not read loses messages. Each of at most four
        /// taps keeps at most 2 MiB of messages, and 5 MiB of reports that were not read. While there are any, no
        /// message takes the fast path of `send`; while there are none, the offer costs nothing.
        public static let tap = Offer(rawValue: 2)
    }

    /// The name beside another one.
    ///
    /// - Throws: `PipeError.invalidAddress` if the name has no room for five bytes more.
    public static func address(beside address: PipeAddress) throws(PipeError) -> PipeAddress {
        switch address.path {
        case let path?: try .path(path + suffix)
        case nil: try .abstract(String(address.description.dropFirst()) + suffix)
        }
    }

    /// Serves a server's statistics until the task is cancelled.
    ///
    /// - Parameters:
    ///   - server: the server; see `PipeServer.reference`. After it has stopped, requests are answered with an error.
    ///   - address: the server's own address; its statistics are at ``address(beside:)``.
    ///   - takesOver: whether to take the name over from a live server that has it. The default is false.
    ///   - offer: what is offered beside numbers. The default is nothing.
    /// - Throws: the errors of `PipeServer.serve`, and `CancellationError`.
    public static func serve(
        _ server: ReactorReference<PipeServer>, beside address: PipeAddress, takingOver takesOver: Bool = false,
        offering offer: Offer = []
    ) async throws {
        let start = ContinuousClock.now
        let methods = methods(offering: offer, since: start) { ConnectionQuery(server) }
        try await serve(beside: address, takesOver, offer, on: server.executor, methods) { _ in
            // On the reactor's thread, like all handlers.
            let reactor = server.executor.reactorOfThisThread
            guard let server = server.resolve(on: reactor) else { throw stopped }
            return ServerSnapshot(of: server, processID: getpid(), after: .now - start, loop: reactor.statistics)
        }
    }

    /// Serves a pool's statistics until the task is cancelled.
    ///
    /// - Parameters:
    ///   - pool: the pool. After it has stopped, requests are answered with an error.
    ///   - address: the pool's own address; its statistics are at ``address(beside:)``.
    ///   - takesOver: whether to take the name over from a live server that has it. The default is false.
    ///   - offer: what is offered beside numbers. The default is nothing.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    /// - Throws: the errors of `PipeServer.serve`, and `CancellationError`.
    public static func serve(
        _ pool: PipeServerPool, beside address: PipeAddress, takingOver takesOver: Bool = false,
        offering offer: Offer = [], on executor: ReactorExecutor? = nil
    ) async throws {
        let start = ContinuousClock.now
        let methods = methods(offering: offer, since: start) { ConnectionQuery(pool) }
        try await serve(beside: address, takesOver, offer, on: executor, methods) { question in
            guard !pool.isStopped else { throw stopped }
            var snapshot = await ServerSnapshot(of: pool, processID: getpid(), after: .now - start)
            if question?.workers != true { snapshot.workers = [] }
            return snapshot
        }
    }

    private static func serve(
        beside address: PipeAddress, _ takesOver: Bool, _ offer: Offer, on executor: ReactorExecutor?,
        _ methods: JSONRPCMethods, _ snapshot: @escaping @Sendable (Question?) async throws -> ServerSnapshot
    ) async throws {
        var configuration = PipeServer.Configuration(framing: framing)
        configuration.existingServer = takesOver ? .takeOver : .refuse
        // No delegate is told of a loss here.
        configuration.nameLoss = .republish
        configuration.accessPolicy = .ownUserOrRoot
        configuration.maximumConnectionCount = 16
        configuration.connection.idleLimit = idleLimit
        // The client of a tap may stop reading for as long as it likes. All others are ended for being idle then.
        if offer.contains(.tap) { configuration.connection.writeStallDeadline = nil }
        var methods = methods
        methods.handle(method) { (question: Question?, _) in try await snapshot(question) }
        try await PipeServer.serve(
            at: self.address(beside: address), configuration: configuration, on: executor
        ) { [methods] connection in
            try await JSONRPCPeer.serve(connection, methods: methods)
        }
    }

    /// Asks a server for its statistics.
    ///
    /// - Parameters:
    ///   - address: the server's own address.
    ///   - timeout: for the connection, and for the answer. The default is 5 s.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    /// - Throws: the errors of `PipeClient.withConnection`, in particular `PipeError.noServer` if the server offers no
    ///   statistics; ``JSONRPCRequestFailure`` and ``JSONRPCError``.
    public static func ask(
        beside address: PipeAddress, timeout: Duration = .seconds(5), on executor: ReactorExecutor? = nil
    ) async throws -> ServerSnapshot {
        try await request(method, Question(workers: true), beside: address, timeout, on: executor)
    }

    /// One request, on a connection of its own.
    static func request<Reply: Decodable & Sendable>(
        _ method: String, _ parameters: some Encodable & Sendable, beside address: PipeAddress, _ timeout: Duration,
        on executor: ReactorExecutor?
    ) async throws -> Reply {
        try await connected(to: address, timeout, on: executor) { peer in
            try await peer.request(method, parameters, timeout: timeout)
        }
    }

    /// A connection to the statistics of a server while a function runs.
    static func connected<Result: Sendable>(
        to address: PipeAddress, _ timeout: Duration, on executor: ReactorExecutor?,
        _ methods: JSONRPCMethods = JSONRPCMethods(), _ body: @escaping @Sendable (JSONRPCPeer) async throws -> Result
    ) async throws -> Result {
        var configuration = PipeClient.Configuration()
        configuration.connection.framing = framing
        configuration.connectTimeout = timeout
        return try await PipeClient.withConnection(
            to: self.address(beside: address), configuration: configuration, on: executor
        ) { connection in
            try await JSONRPCPeer.run(on: connection, methods: methods, body)
        }
    }

    /// The parameters of the method, of which an older server knows none. A client of an older version does not ask for
    /// the workers, and would not take an answer of that size.
    private struct Question: Codable {
        var workers: Bool?

        init(workers: Bool) { self.workers = workers }

        /// Ignores all other parameters.
        init(from decoder: any Decoder) throws {
            workers = try? decoder.container(keyedBy: CodingKeys.self).decode(Bool.self, forKey: .workers)
        }
    }

    static let stopped = JSONRPCError(.internalError, "the server has stopped")
    static let idleLimit = Duration.seconds(60)
    private static let method = "statistics"
    private static let suffix = ".stat"

    /// A snapshot has a few dozen members, for a server and for each of at most 1,024 workers.
    private static var framing: DelimiterFraming { DelimiterFraming([0x0A], maximumMessageByteCount: 4 << 20) }
}
