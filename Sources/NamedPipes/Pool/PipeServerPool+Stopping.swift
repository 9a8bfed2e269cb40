// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

// Carries out the decisions of PoolLifecycle.

extension PipeServerPool {
    /// The fate of messages and connections of all workers since the pool was told to stop; nil before its end.
    public var shutdownReport: ShutdownReport? { state.withLock { $0.lifecycle.finalReport } }

    /// Whether every connection has had its `didCloseWith`, and every delegate its `serverDidStop`.
    public var isStopped: Bool { shutdownReport != nil }

    /// Gives the name up, ends the connections of all workers as ``PipeServer/stop(gracePeriod:)`` does, and waits
    /// until the last one has ended and the threads with it.
    ///
    /// May be called repeatedly and from several tasks: of several grace periods, the one that ends first counts. Do
    /// not await it on a thread of the pool.
    ///
    /// - Parameter grace: the time that this may take. The default is zero: the connections are ended at once.
    /// - Returns: the fate of messages and connections of all workers together.
    @discardableResult
    public func stop(gracePeriod grace: Duration = .zero) async -> ShutdownReport {
        beginStopping(gracePeriod: grace)
        return await waitUntilStopped()
    }

    /// As ``stop(gracePeriod:)``, but does not wait. From any thread, also from a callback of a worker.
    ///
    /// - Parameter grace: the time that the connections have.
    public func beginStopping(gracePeriod grace: Duration = .zero) {
        let end = now + max(grace, .zero)
        carryOut(state.withLock { $0.lifecycle.requestStop(until: end) })
    }

    /// The present time of the reactors' timers.
    private var now: SuspendingClock.Instant {
        state.withLock { $0.nameServer?.executor.virtualTime?.now } ?? SuspendingClock.now
    }

    /// Waits until the pool has stopped, for whatever reason.
    ///
    /// - Returns: the fate of messages and connections of all workers together.
    @discardableResult
    public func waitUntilStopped() async -> ShutdownReport {
        let report = unsafe await withUnsafeContinuation { continuation in
            whenStopped { unsafe continuation.resume(returning: $0) }
        }
        if !keepsThreads, !isOnThreadOfPool { joinThreads() }
        return report
    }

    /// Calls a function once the pool has stopped, at once if it has.
    private func whenStopped(_ tell: @escaping @Sendable (ShutdownReport) -> Void) {
        let report = state.withLock { state -> ShutdownReport? in
            if let report = state.lifecycle.finalReport, state.isOver { return report }
            state.waiting.append(tell)
            return nil
        }
        if let report { tell(report) }
    }

    /// Blocks the calling thread until the pool has stopped, as the main thread of a program does that has nothing else
    /// to do. Not on a thread of the pool.
    public func join() {
        precondition(!isOnThreadOfPool, "a thread cannot wait for itself")
        joinThreads()
    }

    private var threads: [ReactorExecutor] {
        let nameExecutor = state.withLock { $0.nameServer?.executor }
        return workers.compactMap { $0.server?.executor } + (nameExecutor.map { [$0] } ?? [])
    }

    private var isOnThreadOfPool: Bool { threads.contains { $0.isCurrent } }

    /// Waits for the end of all threads.
    func joinThreads() {
        for worker in workers { worker.join() }
        state.withLock { $0.nameThread }?.join()
    }

    private func carryOut(_ step: PoolLifecycle.Step) {
        switch step {
        case .nothing: break
        case .stopAcceptor: state.withLock { $0.nameServer }?.perform { $0.stop() }
        case .stopWorkers(let end):
            for worker in workers { worker.server?.perform { $0.stop(until: end) } }
        }
    }

    /// The server that has the name has stopped, and everything is dealt.
    func acceptorDidStop(_ statistics: PipeServer.Statistics) {
        let end = now + max(configuration.handOverGrace, .zero)
        let step = state.withLock { state in
            state.lastNameStatistics = statistics
            return state.lifecycle.acceptorDidStop(handOverEnd: end)
        }
        carryOut(step)
    }

    /// The server of a worker has stopped.
    func workerDidStop(_ report: ShutdownReport) {
        guard state.withLock({ $0.lifecycle.workerDidStop(report) }), let report = shutdownReport else { return }
        tell(.stopped(report))
        let executor = state.withLock { $0.nameServer?.executor }
        // After the event, on the same thread.
        if executor?.post({ [self] _ in end(report) }) != true { end(report) }
    }

    private func end(_ report: ShutdownReport) {
        for worker in workers { worker.releasePool() }
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for tell in waiting { tell(report) }
        if !keepsThreads { endThreads() }
    }

    /// Ends the loops of all threads, which is not waited for.
    func endThreads() {
        for worker in workers { worker.endThread() }
        state.withLock { $0.nameThread }?.stop()
    }
}

extension PipeServer {
    /// Stops gracefully until a time, or at once if it has passed.
    fileprivate func stop(until end: SuspendingClock.Instant) {
        let grace = end - reactor.now
        if grace > .zero { stop(gracePeriod: grace) } else { stop() }
    }
}
