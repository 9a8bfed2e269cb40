// SPDX-License-Identifier: Apache-2.0

/// One thread's event loop: epoll readiness, timers and posted work, through libevent.
///
/// A reactor and everything made with it belong to one thread: the one that calls ``run()``. Nothing here is
/// `Sendable`, nothing takes a lock, and no two callbacks ever run at the same time. Other threads hold its
/// ``executor``.
///
/// ```swift
/// let reactor = try Reactor()
/// reactor.schedule(after: .seconds(1), repeating: .seconds(1)) { print("tick") }
/// reactor.run()
/// ```
///
/// The reactor changes no signal disposition: signals remain the embedder's.
///
/// Stop a reactor and let ``run()`` return before you release it: its servers retain it, and would keep their names.
/// ``ReactorThread`` does that by itself. Nothing happens on a reactor that does not run: a debug build that ends
/// successfully with servers or clients on such a reactor says so on standard error.
public final class Reactor {
    /// The executor, which other threads may hold: it posts work and stops the loop.
    public let executor: ReactorExecutor

    let base: EventBase
    /// Measures callbacks, if the reactor is configured to.
    package var meter: CallbackMeter? { base.meter }
    /// Whether the loop may poll before it sleeps.
    let mayPoll: Bool
    var busyPolling: BusyPolling
    var timers = SlotTable<ScheduledWork>()
    private var timerCount: UInt64 = 0
    private var wakeUpSource: EventSource?
    @safe @exclusivity(unchecked) private(set) var turnQueue: [any TurnWork] = []
    private var runningQueue: [any TurnWork] = []
    var isRunning = false
    private var companions: [ObjectIdentifier: AnyObject] = [:]

    /// The objects that live on this reactor until they end by themselves.
    package let registry = Registry()

    /// Creates a reactor, which needs an epoll descriptor and an eventfd.
    ///
    /// - Parameter configuration: the default sleeps whenever there is nothing to do.
    /// - Throws: ``SystemError``, such as `EMFILE` at the process's limit of descriptors.
    public convenience init(configuration: Configuration = Configuration()) throws(SystemError) {
        try self.init(configuration, in: nil)
    }

    /// - Parameter virtualTime: the time of its timers, which a test moves; see ``advance(by:)``.
    package init(_ configuration: Configuration = Configuration(), in virtualTime: VirtualTime?) throws(SystemError) {
        mayPoll = configuration.busyPollingTime > .zero
        busyPolling = BusyPolling(limit: configuration.busyPollingTime)
        base = try EventBase(meter: try CallbackMeter(configuration))
        executor = try ReactorExecutor(in: virtualTime)
        wakeUpSource = EventSource(base, executor.wakeUpDescriptor, .readable, executor)
        try wakeUpSource?.register()
        executor.belong(to: self)
        #if DEBUG
        UnrunReactors.add(self)
        #endif
    }

    deinit {
        #if DEBUG
        UnrunReactors.remove(executor)
        #endif
        executor.close()
        // A timer's event must not outlive the reactor it refers to. The functions are released after all timers have
        // ended, because releasing one's captures may cancel another.
        _ = timers.elements.map { $0.detach() }
    }

    // MARK: Running

    /// Runs the loop on the calling thread until ``stop()``.
    ///
    /// A stop that came before is remembered: in this case, this returns after the work that is already waiting. A
    /// stopped reactor stays stopped.
    public func run() {
        run { false }
    }

    /// Runs the loop on the calling thread until a condition holds, the time is up, or ``stop()``.
    ///
    /// The condition is evaluated after each turn of the loop. This is useful for tests and tools; daemons call
    /// ``run()``.
    ///
    /// - Parameters:
    ///   - timeout: the longest time to run. The default is nil: no limit.
    ///   - condition: evaluated on this thread, for the first time before the loop waits.
    /// - Returns: whether the condition holds.
    @discardableResult
    public func run(timeout: Duration? = nil, until condition: () -> Bool) -> Bool {
        precondition(executor.isInOwnProcess, "a reactor cannot be taken into a forked child")
        precondition(!isRunning, "run() inside run(): a callback cannot run the loop that called it")
        isRunning = true
        defer { isRunning = false }
        executor.beginRunning()
        var isTimedOut = false
        let limit = timeout.map { TimeLimit(self, $0, inRealTime: true) { isTimedOut = true } }
        defer { limit?.cancel() }
        while true {
            if condition() { return true }
            if executor.isStopRequested { break }
            if isTimedOut { return false }
            turn(mayBlock: true)
        }
        endResidents()
        endEverythingElse()
        return condition()
    }

    /// Ends ``run()`` after the current turn, or at once if it is called later. May be called repeatedly.
    ///
    /// Work that is queued when the loop stops (close callbacks, flushes) is still done. Then servers and clients that
    /// are left on the reactor are stopped, and their delegates told, before ``run()`` returns. From other threads,
    /// call ``ReactorExecutor/stop()``.
    public func stop() { executor.stop() }

    /// Whether ``stop()`` was called.
    public var isStopped: Bool { executor.isStopRequested }

    // MARK: Timers

    /// Calls a function later, on the monotonic clock, which is independent of changes of the wall clock.
    ///
    /// It is never called early. It may be late by the kernel's tick (a few milliseconds), or for as long as another
    /// callback holds the loop. The calls of a repeating timer lie on a fixed grid: if calls were missed, one is made
    /// at once and the others are omitted.
    ///
    /// - Parameters:
    ///   - interval: the time between the following calls, greater than zero. The default is nil: only one call.
    ///   - work: the function; the reactor retains it until it has run for the last time.
    /// - Returns: a handle that can cancel it, which may be ignored.
    @discardableResult
    public func schedule(
        after delay: Duration, repeating interval: Duration? = nil, _ work: @escaping () -> Void
    ) -> ScheduledWork {
        assertOwner()
        precondition(interval.map { $0 > .zero } ?? true, "a repeating timer needs an interval greater than zero")
        return ScheduledWork(self, after: delay, repeating: interval, work)
    }

    func nextTimerNumber() -> UInt64 {
        timerCount += 1
        return timerCount
    }

    // MARK: Whose it is

    /// In debug builds, traps if an object of this reactor is used on another thread, or in a forked child: both would
    /// sooner or later corrupt it, with effects elsewhere. Release builds do not check.
    @inline(__always)
    func assertOwner() { assert(executor.admitsCaller, "a reactor's objects belong to its thread and its process") }

    // MARK: The turn

    /// Runs `work` once at the end of this turn, or of the next one if the end of this turn has already begun. If much
    /// work is posted, the end may come between two pieces of it.
    package func runAtEndOfTurn(_ work: any TurnWork) {
        assertOwner()
        turnQueue.append(work)
    }

    /// The only object of this type that belongs to this reactor, such as a receive buffer that all connections share.
    package func companion<Object: AnyObject>(_: Object.Type, make: () -> Object) -> Object {
        let key = ObjectIdentifier(Object.self)
        if let found = companions[key] as? Object { return found }
        let made = make()
        companions[key] = made
        return made
    }

    func turn(mayBlock: Bool, mailLimit: Int = ReactorExecutor.mailPerTurn) {
        registry.turnBegins()
        if mayBlock && turnQueue.isEmpty && !executor.isMailWaiting {
            wait()
        } else {
            base.dispatch(blocking: false)
        }
        // Before a queued message is sent twice.
        endForkedChild()
        executor.deliverMail(on: self, atMost: mailLimit)
        runTurnQueue()
        registry.letDepartedGo()
        meter?.turnDidEnd()
        endForkedChild()
    }

    /// A callback may have forked. The child shares the epoll descriptor, and would take events from its parent.
    @inline(__always)
    private func endForkedChild() {
        precondition(executor.isInOwnProcess, "a reactor cannot be taken into a forked child")
    }

    /// Runs queued work between two pieces of posted work, while its memory is still in the cache. If each of a
    /// thousand connections was sent something by its own task, each connection then finds the memory that another has
    /// just returned (9,600 instead of 10,700 instructions a message).
    @inline(__always)
    func runLongTurnQueue() {
        if turnQueue.count >= Self.longTurnQueue { runTurnQueue() }
    }

    private static let longTurnQueue = 32

    private func runTurnQueue() {
        guard !turnQueue.isEmpty else { return }
        swap(&turnQueue, &runningQueue)
        if let meter {
            for work in runningQueue { meter.measure("end of turn") { work.runInTurn() } }
        } else {
            for work in runningQueue { work.runInTurn() }
        }
        runningQueue.removeAll(keepingCapacity: true)
    }

    /// Servers and clients on a stopped reactor end, and report it, before `run` returns. Work that was queued before
    /// the stop goes first; it is bounded, because work may continue to create work.
    private func endResidents() {
        finishQueuedWork()
        // More than once, because an object that ends may start something new in its last callback.
        for _ in 0..<8 where registry.count > 0 {
            for case let object as any Registered in registry.elements { object.reactorDidStop() }
            finishQueuedWork()
        }
    }

    /// A stopped reactor stays stopped: whatever waits on it would wait for ever, and keep its captures alive.
    private func endEverythingElse() {
        for timer in timers.elements { timer.cancel() }
        turnQueue.removeAll()
        executor.close()
    }

    private func finishQueuedWork() {
        for _ in 0..<64 where !turnQueue.isEmpty || executor.isMailWaiting {
            turn(mayBlock: false, mailLimit: .max)
        }
    }
}

/// Work at the end of a turn of the loop: after all events that were ready together, before the next wait.
package protocol TurnWork: AnyObject {
    func runInTurn()
}

/// An object that lives on a reactor until it ends by itself, or with the reactor.
package protocol Registered: AnyObject {
    /// The loop has stopped for good: end now. Called again if the object is still registered a turn later.
    func reactorDidStop()
}

@available(*, unavailable, message: "a reactor belongs to its thread; other threads hold its executor")
extension Reactor: Sendable {}
