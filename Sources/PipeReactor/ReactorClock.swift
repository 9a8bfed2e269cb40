// SPDX-License-Identifier: Apache-2.0

/// Sleeps on a reactor's own timers; ``ReactorExecutor/clock`` is the reactor's.
///
/// ```swift
/// try await Task.sleep(for: .seconds(5), clock: connection.executor.clock)
/// ```
///
/// A task that runs on the reactor goes on there, without another thread in between; `Task.sleep` without a clock works
/// as well, but has a thread of Dispatch wake the reactor up, because the runtime knows no other timers. From other
/// tasks, a sleep costs a hop each way.
///
/// It counts as ``Reactor/schedule(after:repeating:_:)`` does: time in which the machine is suspended does not pass
/// (CLOCK_MONOTONIC, clock_gettime(2)), and nothing ends early. While the reactor does not run, no sleeper wakes up; a
/// sleep that has not ended when the reactor does never ends.
public struct ReactorClock: Clock {
    /// A point in time of the reactor's timers.
    public typealias Instant = SuspendingClock.Instant

    private let executor: ReactorExecutor

    init(_ executor: ReactorExecutor) { self.executor = executor }

    /// The present.
    public var now: Instant { executor.now }

    /// How precise the present is. A sleep may take a millisecond longer: that is how fine epoll_wait(2) counts.
    public var minimumResolution: Duration { SuspendingClock().minimumResolution }

    /// Waits until the deadline, or for a turn of the loop if that is past.
    ///
    /// - Parameters:
    ///   - deadline: when to go on.
    ///   - tolerance: without effect.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await Sleep(executor).wait(until: deadline)
    }
}

extension ReactorExecutor {
    /// For `Task.sleep(for:tolerance:clock:)` on the reactor's timers, and whatever else takes a clock.
    public var clock: ReactorClock { ReactorClock(self) }
}

/// One sleep. It is on the reactor, so that the timer and who cancels it meet on one thread.
private actor Sleep {
    private let executor: ReactorExecutor
    private var sleeper: CheckedContinuation<Void, any Error>?
    private var cancelTimer: (() -> Void)?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(_ executor: ReactorExecutor) { self.executor = executor }

    func wait(until deadline: ReactorClock.Instant) async throws {
        let delay = deadline - executor.now
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                sleeper = continuation
                let timer = executor.reactorOfThisThread.schedule(after: delay) { [self] in
                    assumeIsolated { $0.end(.success(())) }
                }
                cancelTimer = { timer.cancel() }
            }
        } onCancel: {
            executor.post { [self] _ in assumeIsolated { $0.end(.failure(CancellationError())) } }
        }
    }

    private func end(_ result: Result<Void, any Error>) {
        cancelTimer?()
        cancelTimer = nil
        sleeper.take()?.resume(with: result)
    }
}
