// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Time that stands still until a test moves it: what a ``MemoryNetwork``'s timers go by.
///
/// ```swift
/// configuration.connection.idleLimit = .seconds(600)
/// …
/// network.clock.advance(by: .seconds(900))                  // at once
/// #expect(recorder.events.last == .closed(.idle))
/// ```
///
/// Timers of the reactor (`schedule`), all limits and timeouts of connections, servers and clients, and the delays of
/// ``TransportFaults`` go by it. Limits in which a test itself waits, such as `Reactor.run(timeout:until:)`, are in
/// real time.
public final class VirtualClock: Sendable {
    private let executor: ReactorExecutor
    private let start: SuspendingClock.Instant

    init(_ reactor: Reactor) {
        executor = reactor.executor
        start = reactor.now
    }

    /// How much time has passed since the network was made. On any thread.
    public var elapsed: Duration { now - start }

    /// Lets time pass on the reactor: each timer fires at its point, in order, and what it leads to is done before the
    /// next. On the reactor's thread, and not inside a callback.
    ///
    /// - Parameter duration: how much; negative counts as zero.
    /// - Returns: false if the loop never came to rest, because two parties made each other work for ever, or the
    ///   reactor was stopped.
    @discardableResult
    public func advance(by duration: Duration) -> Bool { executor.reactorOfThisThread.advance(by: duration) }
}

extension VirtualClock: Clock {
    /// As `ReactorExecutor.clock`, which is the same clock to who uses that.
    public typealias Instant = ReactorClock.Instant

    /// The present. On any thread.
    public var now: Instant { executor.clock.now }

    /// As `ReactorClock.minimumResolution`.
    public var minimumResolution: Duration { executor.clock.minimumResolution }

    /// Waits until ``advance(by:)`` comes to that point; see `ReactorClock`. A task that prefers the reactor's executor
    /// is woken in its place between the timers.
    ///
    /// - Parameters:
    ///   - deadline: when to go on.
    ///   - tolerance: without effect.
    /// - Throws: `CancellationError` if the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await executor.clock.sleep(until: deadline, tolerance: tolerance)
    }
}
