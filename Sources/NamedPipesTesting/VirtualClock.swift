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
/// ``TransportFaults`` go by it. Limits in which a test itself waits, such as `Reactor.run(timeout:until:)`, are in real time.
public final class VirtualClock: Sendable {
    private let executor: ReactorExecutor
    private let time: VirtualTime
    private let start: SuspendingClock.Instant

    init(_ reactor: Reactor, _ time: VirtualTime) {
        executor = reactor.executor
        self.time = time
        start = time.now
    }

    /// Lets time pass on the reactor: each timer fires at its point, in order, and what it leads to is done before the
    /// next. On the reactor's thread, and not inside a callback.
    ///
    /// - Parameter duration: how much; negative counts as zero.
    /// - Returns: false if the loop never came to rest, because two parties made each other work for ever, or the reactor
    ///   was stopped.
    @discardableResult
    public func advance(by duration: Duration) -> Bool { executor.reactorOfThisThread.advance(by: duration) }
}

extension VirtualClock: Clock {
    /// A point of virtual time.
    public struct Instant: InstantProtocol {
        /// How long after the making of the clock.
        public let offset: Duration

        /// Later by the duration.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

        /// How long it is from here to there.
        public func duration(to other: Instant) -> Duration { other.offset - offset }

        /// Whether one is earlier.
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    /// The present. On any thread.
    public var now: Instant { Instant(offset: time.now - start) }

    /// Nothing is too short to be told apart.
    public var minimumResolution: Duration { .zero }

    /// Waits until ``advance(by:)`` comes to that point. A task that runs on the reactor's executor is woken in its place
    /// between the timers; for others, the point at which they begin to wait is theirs to make sure of.
    ///
    /// - Parameters:
    ///   - deadline: when to wake up.
    ///   - tolerance: ignored: time is exact here.
    /// - Throws: `CancellationError` if the task is cancelled or the reactor ends first.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let alarm = Alarm()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                alarm.set(continuation)
                let ringer = AlarmRinger(alarm: alarm)
                executor.post { [self] reactor in
                    reactor.schedule(after: deadline.offset - now.offset) { ringer.ring() }
                }
            }
        } onCancel: {
            alarm.ring()
        }
        guard now >= deadline else { throw CancellationError() }
    }
}
