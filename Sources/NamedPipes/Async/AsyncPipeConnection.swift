// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

/// One end of a pipe for `async` code: messages are a sequence, and `send` waits if the peer does not keep up.
///
/// ```swift
/// try await PipeServer.serve(at: .runtime("echo")) { connection in
///     for try await message in connection.messages {
///         try await connection.send(message)
///     }
/// }
/// ```
///
/// It is an actor on its reactor's thread. The handlers of ``PipeServer/serve(at:configuration:on:onEvent:handler:)``
/// and ``PipeClient/withConnection(to:configuration:on:_:)`` run on that thread as well, so nothing here costs them a
/// thread hop. From any other task, everything works the same and costs a hop each way: about 20 µs if the reactor
/// sleeps. Messages then come with one hop for all that have arrived.
///
/// Any number of tasks may send, receive and wait for the end at the same time, on the reactor's thread and elsewhere.
/// Cancelling a task that waits here ends the wait at once with `CancellationError`. Accepted messages are sent;
/// messages that have arrived stay for the next caller.
public actor AsyncPipeConnection: Identifiable {
    /// Identifies this connection for as long as the reactor lives.
    public nonisolated let id: PipeConnection.ID

    /// The credentials of the other end when the connection was made.
    public nonisolated let peer: PeerCredentials

    /// The executor of its reactor. Actors that use this executor are called without a hop, and tasks can prefer it.
    public nonisolated let executor: ReactorExecutor

    // Used on the reactor's thread only: by code that is isolated to this actor, or after checking
    // `executor.isCurrent`.
    nonisolated(unsafe) let state: AsyncConnectionState

    /// Runs on the reactor's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(id: PipeConnection.ID, peer: PeerCredentials, executor: ReactorExecutor, state: sending AsyncConnectionState) {
        self.id = id
        self.peer = peer
        self.executor = executor
        unsafe self.state = state
    }

    // MARK: What it is

    /// The reason of its end; nil while it is open.
    public var endReason: DisconnectReason? { unsafe state.endReason }

    /// As ``PipeConnection/unansweredClose``.
    public var unansweredClose: UnansweredClose? { unsafe state.connection.unansweredClose }

    /// Whether ``send(_:)-([UInt8])`` may be called; see ``PipeConnection/isOpen``.
    public var isOpen: Bool { unsafe state.connection.isOpen }

    /// How many bytes are queued here because the kernel has not taken them yet, headers included.
    public var pendingByteCount: Int { unsafe state.connection.pendingByteCount }

    /// A sender for code without `await`.
    public var sender: PipeSender { unsafe state.connection.sender }

    /// Calls a function with the underlying connection, on the reactor's thread, for operations that have no `async`
    /// form. Anything that the function leaves behind belongs to that thread. The connection's `context` is free to
    /// use.
    public func withConnection<Result: Sendable>(
        _ use: @Sendable (PipeConnection) throws -> Result
    ) rethrows -> Result {
        defer { unsafe state.outputDidEnd() }
        return try use(unsafe state.connection)
    }

    // MARK: Ending

    /// Sends the queued messages, then tells the peer that no more comes. Messages still arrive.
    ///
    /// From now on `send` throws ``PipeError/notConnected(_:)``, even in tasks that are waiting.
    public func finishSending() {
        unsafe state.connection.finishSending()
        unsafe state.outputDidEnd()
    }

    /// Sends the queued messages, then closes, and waits until that is done; see ``PipeConnection/close()``.
    ///
    /// ``messages`` end after those that have arrived, and `send` throws ``PipeError/notConnected(_:)`` at once, even
    /// in tasks that are waiting. A task that is cancelled stops waiting; the close continues.
    ///
    /// - Returns: the reason of the connection's end, which may be an earlier one.
    @discardableResult
    public func close() async -> DisconnectReason {
        unsafe state.connection.close()
        unsafe state.finishInput(.finished)
        unsafe state.outputDidEnd()
        _ = try? await waitForEnd()
        return unsafe state.endReason ?? .closedLocally
    }

    /// Drops the queued messages and closes at once.
    public func abort() {
        unsafe state.wasAborted = true
        unsafe state.connection.abort()
    }

    // MARK: A server that is being stopped

    /// Whether ``messages`` have ended only because the server is being stopped gracefully
    /// (``PipeServer/stop(gracePeriod:)``), while the peer may still send.
    ///
    /// False again after ``resumeReceiving()``, and once the connection has ended.
    public var canResumeReceiving: Bool { unsafe state.canResumeReceiving }

    /// Continues ``messages`` although the server is being stopped, for messages that are needed in order to finish,
    /// such as the peer's answers to requests of this end. Has no effect unless ``canResumeReceiving``.
    ///
    /// They end when the peer finishes, when this end closes, or when the grace period is over.
    ///
    /// ```swift
    /// for try await message in connection.messages { … }
    /// if await connection.canResumeReceiving {        // answer what is under way, take nothing new
    ///     await connection.resumeReceiving()
    ///     for try await message in connection.messages { … }
    /// }
    /// ```
    public func resumeReceiving() { unsafe state.resumeReceiving() }

    // MARK: Waiting for the end

    /// Waits until the connection has ended, and returns the reason.
    ///
    /// - Throws: `CancellationError`.
    public func waitForEnd() async throws -> DisconnectReason {
        while true {
            if let reason = unsafe state.endReason { return reason }
            try await wait(for: .end)
        }
    }

    /// Runs a handler for the connection, and ends the connection afterwards: once all queued messages are sent if the
    /// handler returns, at once if it throws or the task was cancelled. Call it on the reactor's thread.
    ///
    /// - Throws: what the handler throws; ``PipeError/messagesUnsent(count:_:)`` or `CancellationError` if it returns
    ///   but queued messages could not be sent.
    nonisolated(nonsending) func handle<Result>(
        with handler: nonisolated(nonsending) (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        var result: Result?
        try await withTaskCancellationHandler {
            try await run { connection in result = try await handler(connection) }
        } onCancel: {
            executor.post { [self] _ in unsafe state.handlerWasCancelled() }
        }
        guard let result else { preconditionFailure("a handler that ended without a result or an error") }
        return result
    }

    /// The same for a handler without a result, in a task whose cancellation the caller reports with
    /// ``AsyncConnectionState/handlerWasCancelled()``.
    ///
    /// Its frame lives as long as the connection, so it is not generic, and keeps nothing that is only needed at the
    /// end: with those of its caller and of a usual handler, it fits in the first kilobyte of the task's memory. Every
    /// idle connection would keep a second one.
    @inline(__always)
    nonisolated(nonsending) func run(
        _ handler: nonisolated(nonsending) (AsyncPipeConnection) async throws -> Void
    ) async throws {
        unsafe state.handlerDidBegin()
        do {
            try await handler(self)
        } catch {
            await abortAndWait()
            throw error
        }
        try await sendRestAndEnd()
    }

    @inline(never)
    private nonisolated(nonsending) func abortAndWait() async {
        unsafe state.handlerTask = nil
        unsafe state.connection.abort()
        await waitForEndInAnyCase()
    }

    @inline(never)
    private nonisolated(nonsending) func sendRestAndEnd() async throws {
        unsafe state.handlerTask = nil
        let connection = unsafe state.connection
        connection.close()
        unsafe state.finishInput(.finished)
        await withTaskCancellationHandler {
            await waitForEndInAnyCase()
        } onCancel: {
            executor.post { [self] _ in unsafe state.connection.abort() }
        }
        let count = connection.unsentMessageCount + (connection.hasPartlySentMessage ? 1 : 0)
        guard count > 0, unsafe !state.wasAborted, let reason = unsafe state.endReason else { return }
        if Task.isCancelled { throw CancellationError() }
        throw PipeError.messagesUnsent(count: count, reason)
    }

    /// Waits even if the task is cancelled: the handler of a connection outlives it.
    nonisolated(nonsending) func waitForEndInAnyCase() async {
        while unsafe state.endReason == nil {
            try? await WaitingTask.suspend { unsafe state.add($0, for: .end) }
        }
    }

    /// Whether a handler that throws this error merely passes on the end of the connection or the cancellation of the
    /// task.
    nonisolated func isPassedOn(_ error: any Error) -> Bool {
        switch error {
        case PipeError.disconnected, PipeError.closedUnanswered, PipeError.notConnected, is CancellationError: true
        // The server's report counts them.
        case PipeError.messagesUnsent(_, .serverStopped): true
        default: false
        }
    }

    // MARK: Waiting

    /// Waits until the event may have happened. Call it on the reactor's thread.
    @inline(__always)
    nonisolated(nonsending) func wait(for event: AsyncConnectionState.Event) async throws {
        if let ticket = try unsafe state.ticketOfHandler() {
            try await suspend(ticket, event)
        } else {
            try await waitWatched(for: event)
        }
    }

    /// A function of its own: the continuation's context is the larger part of its caller's frame otherwise.
    @inline(never)
    private nonisolated(nonsending) func suspend(
        _ ticket: WaitingTask.Ticket, _ event: AsyncConnectionState.Event
    ) async throws {
        try await WaitingTask.suspend(ticket: ticket) { unsafe state.add($0, for: event) }
    }

    /// On this actor rather than `nonisolated(nonsending)`: otherwise the function that `withTaskCancellationHandler`
    /// calls does not run where its caller does (Swift 6.3), but on the executor that the task prefers, which need not
    /// be the reactor's.
    @inline(never)
    private func waitWatched(for event: AsyncConnectionState.Event) async throws {
        let ticket = unsafe state.nextTicket()
        try await withTaskCancellationHandler {
            try await WaitingTask.suspend(ticket: ticket) { task in
                if Task.isCancelled { task.fail(CancellationError()) } else { unsafe state.add(task, for: event) }
            }
        } onCancel: {
            cancelWait(ticket)
        }
    }

    private nonisolated func cancelWait(_ ticket: WaitingTask.Ticket) {
        executor.post { [self] _ in unsafe state.cancelWait(ticket) }
    }
}

extension AsyncPipeConnection: CustomStringConvertible {
    /// The identifier and the peer, for logs.
    public nonisolated var description: String { "connection \(id) (\(peer))" }
}
