// SPDX-License-Identifier: Apache-2.0

/// Sleeps on a reactor's timers; ``ReactorExecutor/clock`` is the clock of a reactor.
///
/// ```swift
/// try await Task.sleep(for: .seconds(5), clock: connection.executor.clock)
/// ```
///
/// A task that runs on the reactor resumes there, without another thread in between. `Task.sleep` without a clock works
/// as well, but needs a thread of Dispatch to wake the reactor up, because the runtime knows no other timers. From
/// other tasks, a sleep costs a hop each way.
///
/// It measures time as ``Reactor/schedule(after:repeating:_:)`` does: time during which the machine is suspended does
/// not count (CLOCK_MONOTONIC, clock_gettime(2)), and nothing ends early. While the reactor does not run, no sleeping
/// task wakes up; a sleep that has not ended when the reactor ends never ends.
public struct ReactorClock: Clock {
    /// A point in time of the reactor's timers.
    public typealias Instant = SuspendingClock.Instant

    private let executor: ReactorExecutor

    init(_ executor: ReactorExecutor) { self.executor = executor }

    /// The present time.
    public var now: Instant { executor.now }

    /// The resolution of the present time. A sleep may take a millisecond longer, the resolution of epoll_wait(2).
    public var minimumResolution: Duration { SuspendingClock().minimumResolution }

    /// Waits until the deadline, or for a turn of the loop if that has passed.
    ///
    /// - Parameters:
    ///   - deadline: when to resume.
    ///   - tolerance: has no effect.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await Sleep(executor).wait(until: deadline)
    }
}

extension ReactorExecutor {
    /// For `Task.sleep(for:tolerance:clock:)` on the reactor's timers, and everything else that takes a clock.
    public var clock: ReactorClock { ReactorClock(self) }
}

/// One sleep. It is isolated to the reactor, so that the timer and a cancellation meet on one thread.
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
