// SPDX-License-Identifier: Apache-2.0
package import NamedPipes
internal import Synchronization

// A tap lasts as long as its request: the reports are notifications before the reply, which says why there are no more.
// So it ends with the connection, with a cancellation of the request, and with the server, without a rule of its own.

extension StatisticsEndpoint {
    /// Registers the method `tap`.
    static func handleTap(
        in methods: inout JSONRPCMethods, _ query: @escaping @Sendable () -> ConnectionQuery
    ) {
        methods.handle("tap") { (question: TapQuestion?, call) in
            let question = question ?? TapQuestion()
            let query = query()
            let tap = try await query.attachTap(question)
            defer { query.detach(tap) }
            try await report(tap, call)
            try Task.checkCancellation()
            throw stopped
        }
    }

    /// How long messages gather for the next report: a report costs a loop as much as dozens of messages in it.
    private static let gatheringTime = Duration.milliseconds(10)

    /// Reports what a tap sees until it ends, on a connection that is never idle meanwhile.
    private static func report(_ tap: MessageTap, _ call: JSONRPCCall) async throws {
        let connection = call.peer.connection
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await Task.sleep(for: idleLimit / 3, clock: connection.executor.clock)
                    await connection.withConnection { $0.postponeIdleLimit() }
                }
            }
            // Also for a client that sent a notification, which nothing cancels when its connection ends.
            group.addTask {
                _ = try await connection.waitForEnd()
                tap.end()
            }
            defer { group.cancelAll() }
            // The first one, without messages, says that the tap has begun.
            var batch: TapBatch? = tap.take()
            while let reported = batch {
                for report in TapReports(of: reported) {
                    // Waits while the client does not read. What goes by meanwhile is lost once the tap is full.
                    try await call.peer.notifyJSON("messages", report)
                    // The loop may be the server's: its clients get a turn.
                    try await Task.sleep(for: .zero, clock: connection.executor.clock)
                }
                try await Task.sleep(for: gatheringTime, clock: connection.executor.clock)
                batch = await tap.next()
            }
        }
    }

    /// Watches the messages of a server until it has stopped, the function throws, or the task is cancelled. The
    /// server's owner has to have offered that; see ``Offer/tap``.
    ///
    /// - Parameters:
    ///   - address: the server's own address.
    ///   - question: the messages to watch.
    ///   - timeout: for the connection, and for the server's first answer. The default is 5 s.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    ///   - take: gets each report, in order, on the reactor's thread. The first call says that the tap has begun, and
    ///     usually brings no messages.
    /// - Throws: what the function throws; as ``ask(beside:timeout:on:)``; a ``JSONRPCError`` once the server has
    ///   stopped, or with the code `methodNotFound` if it does not offer that.
    package static func tap(
        beside address: PipeAddress, _ question: TapQuestion = TapQuestion(), timeout: Duration = .seconds(5),
        on executor: ReactorExecutor? = nil, _ take: @escaping @Sendable (TapReport) throws -> Void
    ) async throws {
        let (failures, failure) = AsyncThrowingStream.makeStream(of: Never.self)
        var methods = JSONRPCMethods()
        enum Progress { case beginning, reporting, over }
        let progress = Mutex(Progress.beginning)
        methods.handle("messages") { (report: TapReport, _) in
            let isOver = progress.withLock { progress in
                if progress == .beginning { progress = .reporting }
                return progress == .over
            }
            guard !isOver else { return }
            do {
                try take(report)
            } catch {
                progress.withLock { $0 = .over }
                failure.finish(throwing: error)
            }
        }
        try await connected(to: address, timeout, on: executor, methods) { peer in
            // The first report comes at once, from a server that answers at all.
            let limit = peer.connection.executor.reactorOfThisThread.limit(timeout) {
                guard progress.withLock({ $0 == .beginning }) else { return }
                failure.finish(throwing: JSONRPCRequestFailure.timedOut(timeout))
            }
            defer { limit.cancel() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for try await _ in failures {} }
                group.addTask { _ = try await peer.requestJSON("tap", try JSONText(encoding: question)) }
                defer { group.cancelAll() }
                try await group.next()
                // The stream ends without an error if this task was cancelled.
                try Task.checkCancellation()
            }
        }
    }
}

extension ConnectionQuery {
    /// Makes a tap, and attaches it to the servers that it is about.
    func attachTap(_ question: TapQuestion) async throws -> MessageTap {
        let limit = question.contentLimit ?? TapQuestion.maximumContentLimit
        guard 0...TapQuestion.maximumContentLimit ~= limit else {
            throw JSONRPCError(.invalidParams, "contentLimit is 0 to \(TapQuestion.maximumContentLimit)")
        }
        var filter = TapFilter(
            userID: question.userID, processID: question.processID, direction: question.direction)
        var tapped = servers
        if let id = question.connection {
            guard let (place, connection) = try await find(id) else {
                throw JSONRPCError(.invalidParams, "no connection \(id)")
            }
            tapped = [place]
            filter.connection = connection
        }
        let tap = MessageTap(filter, contentLimit: limit)
        var isAlive = false
        tap.beginAttaching()
        defer { tap.endAttaching() }
        for (worker, server) in tapped {
            guard let isAttached = await server.ask({ $0.attach(tap, worker: worker) }) else { continue }
            isAlive = true
            guard isAttached else {
                detach(tap)
                throw JSONRPCError(.internalError, "the server has \(PipeServer.maximumTapCount) taps already")
            }
        }
        guard isAlive else { throw StatisticsEndpoint.stopped }
        return tap
    }

    /// Detaches a tap from all servers to which it is attached.
    func detach(_ tap: MessageTap) {
        tap.end()
        for (_, server) in servers { server.perform { $0.detach(tap) } }
    }

    /// The server of a connection.
    private func find(_ id: String) async throws -> (Place, PipeConnection.ID)? {
        var isAlive = false
        for place in servers {
            let own = Self.connection(id, ofWorker: place.worker)
            let found = await place.server.ask { server in own.flatMap { server[$0] } != nil }
            if found == true, let own { return (place, own) }
            isAlive = isAlive || found != nil
        }
        guard isAlive else { throw StatisticsEndpoint.stopped }
        return nil
    }
}
