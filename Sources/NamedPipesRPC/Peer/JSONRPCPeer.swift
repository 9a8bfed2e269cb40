// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// One end of a conversation in JSON-RPC 2.0 over a connection. Either end may make requests of the other, at any time.
///
/// ```swift
/// try await PipeServer.serve(at: .runtime("sums")) { connection in
///     var methods = JSONRPCMethods()
///     methods.handle("add") { (pair: Pair, call) in pair.left + pair.right }
///     try await JSONRPCPeer.serve(connection, methods: methods)
/// }
///
/// try await PipeClient.withConnection(to: .runtime("sums")) { connection in
///     try await JSONRPCPeer.run(on: connection) { peer in
///         let sum: Int = try await peer.request("add", Pair(left: 1, right: 2), timeout: .seconds(2))
///     }
/// }
/// ```
///
/// Each message of the connection is one request, reply, notification or batch, in any framing: for instance with
/// `ContentLengthFraming` as in language servers, or with `DelimiterFraming.newline` as lines.
///
/// It is an actor on the connection's reactor. Requests may be made from any task, many at once.
///
/// Cancelling the task that waits for a reply, or a timeout, ends the wait at once and tells the other end with LSP's
/// `$/cancelRequest`. There, the handler's task is cancelled, and so are the requests whose replies it awaits. So a
/// deadline propagates through any number of processes.
public actor JSONRPCPeer {
    /// The connection below. Its messages belong to the peer while the peer runs.
    public nonisolated let connection: AsyncPipeConnection

    /// The limits, and the encoding of values.
    public nonisolated let configuration: Configuration

    nonisolated let methods: JSONRPCMethods

    /// Runs on the connection's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe connection.unownedExecutor }

    // The requests of this end.
    var pending: PendingRequests
    var progressHandlers: [JSONRPCID: (JSONText) -> Void] = [:]
    var lastToken: Int64 = 0
    // The calls of the other end.
    var openCalls = OpenCalls()
    var waitingCalls = WaitingCalls()

    /// Whether blank lines, which some ends send to keep a connection alive, are ignored.
    var ignoresBlankMessages = false
    /// Whether the server is being stopped: calls that are under way are finished, and nothing new is begun.
    var isStopping = false
    var hasTakenRest = false
    /// Whether everything that arrived was taken, and no more comes.
    var hasEnded = false
    /// Whether no more replies can be sent.
    var isConnectionOver = false
    // Tasks that wait until something has changed; see `wake()`.
    var waiters: [CheckedContinuation<Void, Never>] = []
    /// Resumes the task that starts waiting calls, when one of them can begin.
    var starter: CheckedContinuation<Void, Never>?

    /// How many requests of this end wait for their replies.
    public var pendingRequestCount: Int { pending.count }

    /// How many requests and notifications of the other end are being handled, or answered.
    public var handledRequestCount: Int { openCalls.count - waitingCalls.callCount }

    /// How many requests and notifications of the other end wait for a place.
    public var waitingCallCount: Int { waitingCalls.callCount }

    init(_ connection: AsyncPipeConnection, _ methods: JSONRPCMethods, _ configuration: Configuration) {
        precondition(configuration.handledRequestLimit > 0, "a peer that handles nothing")
        precondition(configuration.pendingRequestLimit > 0, "a peer that may ask nothing")
        self.connection = connection
        self.methods = methods
        self.configuration = configuration
        pending = PendingRequests(limit: configuration.pendingRequestLimit)
    }

    /// Answers the other end until it sends no more, and all its requests are answered.
    ///
    /// If the server is stopped gracefully, calls that had arrived are finished, and may make requests of the other end
    /// meanwhile. New requests are answered with ``JSONRPCError/Code/stopping``.
    ///
    /// When the other end closes, handlers of requests are cancelled, because no end waits for their replies; handlers
    /// of notifications finish. Cancelling the task cancels all.
    ///
    /// - Parameters:
    ///   - connection: the connection, of which the peer is the only user.
    ///   - methods: the methods that the other end may call.
    ///   - configuration: the limits.
    /// - Throws: the errors of the connection's `messages`, ``JSONRPCOverload``, and `CancellationError`.
    public static func serve(
        _ connection: AsyncPipeConnection, methods: JSONRPCMethods, configuration: Configuration = Configuration()
    ) async throws {
        try await JSONRPCPeer(connection, methods, configuration).receive()
    }

    /// Exchanges requests and replies with the other end while a function runs.
    ///
    /// The function runs where the caller does. When it returns or throws, handlers are cancelled and awaited; the
    /// connection stays as it is.
    ///
    /// - Parameters:
    ///   - connection: no other code may take messages from it.
    ///   - methods: the methods that the other end may call. The default is none.
    ///   - configuration: the limits.
    ///   - body: receives the peer, to make requests.
    /// - Returns: what the function returns.
    /// - Throws: what the function throws.
    public static func run<Result: Sendable>(
        on connection: AsyncPipeConnection, methods: JSONRPCMethods = JSONRPCMethods(),
        configuration: Configuration = Configuration(), _ body: @Sendable (JSONRPCPeer) async throws -> Result
    ) async throws -> Result {
        let peer = JSONRPCPeer(connection, methods, configuration)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            // Requests are told how the connection ends.
            group.addTask(executorPreference: connection.executor) { try? await peer.receive() }
            defer { group.cancelAll() }
            return try await body(peer)
        }
    }
}
