// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// One end of a conversation in JSON-RPC 2.0 over a connection. Either end may ask the other, at any time.
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
/// Each message of the connection is one request, reply, notification or batch, in any framing: with
/// `ContentLengthFraming` as language servers have it, with `DelimiterFraming.newline` as lines.
///
/// It is an actor on the connection's reactor. Requests may be made from any task, many at once.
///
/// Cancelling the task that waits for a reply, and a timeout, end the wait at once and tell the other end with LSP's
/// `$/cancelRequest`. There, the handler's task is cancelled, and so are the requests for whose replies it waits: that
/// is how a deadline travels, whatever number of processes takes part.
public actor JSONRPCPeer {
    /// The connection below. Its messages belong to the peer while that runs.
    public nonisolated let connection: AsyncPipeConnection

    /// The limits, and the encoding of values.
    public nonisolated let configuration: Configuration

    nonisolated let methods: JSONRPCMethods

    /// Runs on the connection's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe connection.unownedExecutor }

    // Our requests.
    var pending: PendingRequests
    var progressHandlers: [JSONRPCID: (JSONText) -> Void] = [:]
    var lastToken: Int64 = 0
    // Theirs.
    var openCalls = OpenCalls()
    var waitingCalls = WaitingCalls()

    /// Blank lines, which some ends send to keep a connection alive, are no messages.
    var ignoresBlankMessages = false
    /// The server is being stopped: what is under way is finished, and nothing new begun.
    var isStopping = false
    var hasTakenRest = false
    /// All that arrived is taken, and no more comes.
    var hasEnded = false
    /// Nobody gets a reply any more.
    var isConnectionOver = false
    // Tasks that wait until something has changed; see `wake()`.
    var waiters: [CheckedContinuation<Void, Never>] = []
    /// Waits until a call that waits for a place can begin.
    var starter: CheckedContinuation<Void, Never>?

    /// How many requests of this end wait for their replies.
    public var pendingRequestCount: Int { pending.count }

    /// How many requests and notifications of the other end are being handled, or answered.
    public var handledRequestCount: Int { openCalls.count - waitingCalls.callCount }

    /// How many requests and notifications of the other end wait until fewer are handled.
    public var waitingCallCount: Int { waitingCalls.callCount }

    init(_ connection: AsyncPipeConnection, _ methods: JSONRPCMethods, _ configuration: Configuration) {
        precondition(configuration.handledRequestLimit > 0, "a peer that handles nothing")
        precondition(configuration.pendingRequestLimit > 0, "a peer that may ask nothing")
        self.connection = connection
        self.methods = methods
        self.configuration = configuration
        pending = PendingRequests(limit: configuration.pendingRequestLimit)
    }

    /// Answers the other end until it sends no more, and all that it asked is answered.
    ///
    /// Where the server is stopped gracefully, calls that had arrived are finished, and may ask the other end
    /// meanwhile. New requests get ``JSONRPCError/Code/stopping``.
    ///
    /// When the other end closes, handlers of requests are cancelled, since no end waits for their replies; handlers of
    /// notifications finish. Cancelling the task cancels all.
    ///
    /// - Parameters:
    ///   - connection: no other code may take messages from it.
    ///   - methods: what may be asked.
    ///   - configuration: what is allowed.
    /// - Throws: what the connection's `messages` throw, ``JSONRPCOverload``, and `CancellationError`.
    public static func serve(
        _ connection: AsyncPipeConnection, methods: JSONRPCMethods, configuration: Configuration = Configuration()
    ) async throws {
        try await JSONRPCPeer(connection, methods, configuration).receive()
    }

    /// Talks to the other end, and answers it, while a function runs.
    ///
    /// The function runs where the caller does. When it returns or throws, handlers are cancelled and waited for; the
    /// connection stays as it is.
    ///
    /// - Parameters:
    ///   - connection: no other code may take messages from it.
    ///   - methods: what may be asked by the other end. The default is nothing.
    ///   - configuration: what is allowed.
    ///   - body: gets the peer, to make requests.
    /// - Returns: what the function returns.
    /// - Throws: what the function throws.
    public static func run<Result: Sendable>(
        on connection: AsyncPipeConnection, methods: JSONRPCMethods = JSONRPCMethods(),
        configuration: Configuration = Configuration(), _ body: @Sendable (JSONRPCPeer) async throws -> Result
    ) async throws -> Result {
        let peer = JSONRPCPeer(connection, methods, configuration)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            // How the connection ends, requests are told.
            group.addTask(executorPreference: connection.executor) { try? await peer.receive() }
            defer { group.cancelAll() }
            return try await body(peer)
        }
    }
}
