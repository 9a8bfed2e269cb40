// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Translates a server's events into something that tasks can await.
final class AsyncServerDelegate: AsyncConnectionDelegate, PipeServerDelegate {
    typealias EventHandler = @Sendable (PipeServer, PipeServer.ServeEvent) -> Void

    private let onEvent: EventHandler
    private var arrived = Ring<AsyncPipeConnection>()
    private var acceptor = WaitingTasks()
    /// How many handed-out connections still have a handler.
    private var handlerCount = 0
    /// The server whose connections are handled.
    private var reference: ReactorReference<PipeServer>?
    private(set) var report: ShutdownReport?

    init(onEvent: @escaping EventHandler) { self.onEvent = onEvent }

    /// Waits for the next client, and returns its connection; nil once the server has stopped.
    private nonisolated(nonsending) func nextConnection() async -> AsyncPipeConnection? {
        while true {
            if let next = arrived.removeFirst() {
                handlerCount += 1
                return next
            }
            if report != nil { return nil }
            // Ended by the stop, not by cancellation: every accepted connection has ended by then.
            try? await WaitingTask.suspend { task in
                // Checked again: other code may have run during the await itself.
                if arrived.isEmpty && report == nil { acceptor.add(task) } else { task.goOn() }
            }
        }
    }

    /// Calls a function for each connection, in a child task of its own, until the server has stopped and the handlers
    /// have ended. The handlers that still run when the grace period is over are cancelled and waited for.
    nonisolated(nonsending) func handleConnections(
        of server: PipeServer, on executor: ReactorExecutor,
        with handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async {
        // The handlers use it as well, on the same thread.
        nonisolated(unsafe) let delegate = self
        reference = server.reference
        // One cancellation handler for all connections, each of which would keep the memory of its own.
        await withTaskCancellationHandler {
            await unsafe delegate.runHandlers(of: server, on: executor, handler)
        } onCancel: {
            executor.post { _ in unsafe delegate.cancelWaits() }
        }
    }

    private nonisolated(nonsending) func runHandlers(
        of server: PipeServer, on executor: ReactorExecutor,
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) async {
        // As above: the child tasks prefer the executor of the same thread.
        nonisolated(unsafe) let delegate = self
        await withDiscardingTaskGroup { group in
            while let connection = await unsafe delegate.nextConnection() {
                group.addTask(executorPreference: executor) {
                    do {
                        try await connection.run(handler)
                    } catch {
                        unsafe delegate.handlerDidFail(connection, error)
                    }
                    unsafe delegate.handlerDidEnd()
                }
            }
            await unsafe delegate.waitForHandlers(of: server)
            group.cancelAll()
            unsafe delegate.cancelWaits()
        }
    }

    /// Ends what the handlers wait for, because their tasks were cancelled.
    private func cancelWaits() {
        guard let reference, let server = reference.resolve(on: reference.executor.reactorOfThisThread) else { return }
        for connection in server.connections {
            if case .tasks(let state) = connection.companion { state.handlerWasCancelled() }
        }
    }

    private func handlerDidFail(_ connection: AsyncPipeConnection, _ error: any Error) {
        guard !connection.isPassedOn(error) else { return }
        reference?.perform { [onEvent] in onEvent($0, .handlerFailed(connection.id, connection.peer, error)) }
    }

    private func handlerDidEnd() {
        handlerCount -= 1
        if handlerCount == 0 { acceptor.wakeAll() }
    }

    /// Waits until all handlers have ended, or the grace period of a stopped server is over.
    private nonisolated(nonsending) func waitForHandlers(of server: PipeServer) async {
        server.grace.onEnd = { [self] in acceptor.wakeAll() }
        defer { server.endGrace() }
        while handlerCount > 0, !server.lifecycle.isGraceOver {
            try? await WaitingTask.suspend { task in
                if handlerCount > 0, !server.lifecycle.isGraceOver { acceptor.add(task) } else { task.goOn() }
            }
        }
    }

    override func didOpen(_ connection: AsyncPipeConnection) {
        tell(.connected(connection.id, connection.peer), about: unsafe connection.state.connection)
        arrived.append(connection)
        acceptor.wakeFirst()
    }

    override func didEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        tell(.disconnected(connection.id, connection.peer, reason), about: connection)
    }

    private func tell(_ event: PipeServer.ServeEvent, about connection: PipeConnection) {
        if let server = unsafe connection.endpoint.owner as? PipeServer { onEvent(server, event) }
    }

    func server(_ server: PipeServer, didRefuse report: RefusalReport) { onEvent(server, .refused(report)) }

    func server(_ server: PipeServer, didFailToAcceptWith error: SystemError) { onEvent(server, .acceptFailed(error)) }

    func server(_ server: PipeServer, didLoseName loss: NameLoss) { onEvent(server, .lostName(loss)) }

    func server(_ server: PipeServer, didFailToRepublish error: PipeError) { onEvent(server, .republishFailed(error)) }

    func serverDidRegainName(_ server: PipeServer) { onEvent(server, .regainedName) }

    func server(_ server: PipeServer, didSkip error: FramingError) { onEvent(server, .skipped(error)) }

    func serverDidStop(_ server: PipeServer) {
        report = server.shutdownReport
        onEvent(server, .stopped)
        acceptor.wakeAll()
    }
}
