// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The one object of a reactor that other threads may hold.
///
/// It takes work from any thread and runs it on the reactor's: functions given to ``post(_:)``, jobs of actors that use
/// it as their executor, and tasks that prefer it. An actor on the reactor calls the reactor's objects directly, and an
/// `await` between two such actors is a function call, not a thread hop:
///
/// ```swift
/// actor Room {
///     nonisolated let executor: ReactorExecutor
///     nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
/// }
/// ```
///
/// Work runs in the order in which it arrived, after the events of a turn of the loop and before its end; a task that
/// waits for a message runs in the event that brings it. Work waits while the reactor does not run. When the reactor
/// itself is gone, functions are refused, and jobs are counted but never run: a reactor has to outlive the actors that
/// run on it.
public final class ReactorExecutor: SerialExecutor, TaskExecutor, EventHandler {
    // The mailbox: written by any thread under the lock, swapped out as a whole by the reactor, run outside the lock.
    // The thread that makes it non-empty wakes the reactor; on the reactor's own thread, the next turn looks without
    // that.
    private let mailbox = Mutex(Mailbox())
    private let hasMail = Atomic(false)
    private let stopRequested = Atomic(false)
    private let thread = Atomic<UInt>(0)
    private let process = Atomic<Int32>(0)
    private let hasRun = Atomic(false)
    private let wakeUp: WakeUp
    private let forkMark = ForkMark.shared
    // The reactor, until it ends. Used on its thread only, and not weak, because a weak reference would make all others
    // slower.
    private nonisolated(unsafe) unowned(unsafe) var reactor: Reactor?
    // Its own, for work that need not retain the reactor: that is dear, because others refer to it weakly.
    private nonisolated(unsafe) var meter: CallbackMeter?
    // Used on the reactor's thread only.
    private nonisolated(unsafe) var resumption = Resumption.none

    /// The time of the reactor's timers, if a test moves it; nil if it passes by itself.
    package let virtualTime: VirtualTime?

    init(in virtualTime: VirtualTime?) throws(SystemError) {
        self.virtualTime = virtualTime
        wakeUp = try WakeUp()
        adoptCurrentThread()
    }

    /// Runs a function on the reactor's thread, in a later turn of its loop. From any thread.
    ///
    /// - Parameter work: receives the reactor; runs exactly once, unless the reactor ends first.
    /// - Returns: false if the reactor is gone and the function was discarded.
    @discardableResult
    public func post(_ work: @escaping @Sendable (Reactor) -> Void) -> Bool {
        add(.function(work))
    }

    /// Ends ``Reactor/run()``, now or when it is called. May be called from any thread, repeatedly; it does not wait.
    public func stop() {
        stopRequested.store(true, ordering: .releasing)
        wakeUp.signal()
    }

    /// Whether the caller is on the thread that runs the reactor (before it runs: on the thread that made it).
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == SystemThread.currentNumber }

    /// How many jobs of actors and tasks were lost because they arrived after the reactor's end.
    public var lostJobCount: Int { mailbox.withLock { $0.lostJobCount } }

    /// The present time of the reactor's timers.
    var now: SuspendingClock.Instant { virtualTime?.now ?? SuspendingClock.now }

    /// The reactor, for code that runs on its thread: a task that prefers this executor, an actor that uses it.
    package var reactorOfThisThread: Reactor {
        precondition(isCurrent, "not on the reactor's thread")
        guard let reactor = unsafe reactor else { preconditionFailure("the reactor has ended") }
        return reactor
    }

    /// Takes a job of an actor or task; the Swift runtime calls this (`SerialExecutor`, `TaskExecutor`).
    public func enqueue(_ job: consuming ExecutorJob) {
        take(UnownedJob(job), ofPreferringTask: false)
    }

    /// Takes a job of a task that prefers this executor; actors use ``enqueue(_:)``.
    ///
    /// Both protocols call this method `enqueue`, but the jobs have to be run differently: see `deliverMail`.
    @_implements(TaskExecutor,enqueue(_:))
    public func enqueueOfPreferringTask(_ job: consuming ExecutorJob) {
        take(UnownedJob(job), ofPreferringTask: true)
    }

    /// Traps unless the caller is on the reactor's thread (`SerialExecutor`).
    public func checkIsolated() {
        precondition(isCurrent, "not on the reactor's thread")
    }

    /// Whether the caller is on the reactor's thread (`SerialExecutor`).
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }
}

extension ReactorExecutor {
    private enum Mail {
        case function(@Sendable (Reactor) -> Void)
        case job(UnownedJob, ofPreferringTask: Bool)
    }

    private struct Mailbox {
        var waiting: [Mail] = []
        /// The work that a turn had no time for, in reverse order.
        var left: [Mail] = []
        var hasFunction = false
        var isClosed = false
        var lostJobCount = 0
    }

    /// The task that the reactor is resuming by ``resumeAtOnce(_:)``.
    private enum Resumption {
        case none
        /// Its job has not come yet.
        case expected
        case arrived(UnownedJob, ofPreferringTask: Bool)
    }

    private func take(_ job: UnownedJob, ofPreferringTask: Bool) {
        if isCurrent, case .expected = unsafe resumption {
            return unsafe resumption = .arrived(job, ofPreferringTask: ofPreferringTask)
        }
        _ = add(.job(job, ofPreferringTask: ofPreferringTask))
    }

    private func add(_ mail: Mail) -> Bool {
        enum Outcome { case accepted, acceptedAsleep, refused }
        let outcome = mailbox.withLock { box -> Outcome in
            guard !box.isClosed else {
                if case .job = mail { box.lostJobCount += 1 }
                return .refused
            }
            box.waiting.append(mail)
            if case .function = mail { box.hasFunction = true }
            if box.waiting.count > 1 { return .accepted }
            hasMail.store(true, ordering: .relaxed)
            // Under the lock, as in `adoptCurrentThread()`: if a thread hands the reactor to another and continues to
            // post, either the other's first look finds the work, or this thread notices the other and wakes it.
            return isCurrent ? .accepted : .acceptedAsleep
        }
        if outcome == .acceptedAsleep { wakeUp.signal() }
        return outcome != .refused
    }

    // MARK: The reactor's side

    /// Whether the caller may use the objects on the reactor: in the process that made it, and, between its first run
    /// and its end, on the thread that runs it. For assertions, because it costs a system call.
    package var admitsCaller: Bool {
        if thread.load(ordering: .relaxed) == 0 { return true }
        return isInOwnProcess && (isCurrent || !hasRun.load(ordering: .relaxed))
    }

    /// The calling thread runs the reactor from now on.
    func beginRunning() {
        #if DEBUG
        if !hasRun.load(ordering: .relaxed) { UnrunReactors.remove(self) }
        #endif
        adoptCurrentThread()
        hasRun.store(true, ordering: .relaxed)
    }

    /// False in a child that was forked and runs no other program: it shares the epoll descriptor with its parent, and
    /// an event that it took would be lost to the parent.
    @inline(__always)
    var isInOwnProcess: Bool { forkMark.isSet(by: process.load(ordering: .relaxed)) }

    var isMailWaiting: Bool { hasMail.load(ordering: .relaxed) }
    var isStopRequested: Bool { stopRequested.load(ordering: .acquiring) }
    package var wakeUpDescriptor: Int32 { wakeUp.rawDescriptor }

    /// Attaches the executor to a reactor until ``close()``.
    func belong(to reactor: Reactor) {
        unsafe self.reactor = reactor
        unsafe meter = reactor.meter
    }

    func adoptCurrentThread() {
        mailbox.withLock { _ in thread.store(SystemThread.currentNumber, ordering: .relaxed) }
        let own = ForkMark.callingProcessID
        process.store(own, ordering: .relaxed)
        forkMark.set(by: own)
    }

    package func handle(_ readiness: Readiness) { wakeUp.wait() }

    /// Runs the waiting work in order, and leaves the rest for the next turn after a number of pieces, so that a thread
    /// that posts faster than the loop works keeps no connection from being read. Functions that are added meanwhile
    /// wait for the next turn. Jobs do not: a job is often a mere `await` that continues elsewhere on this executor,
    /// and a turn for each would be a system call for each.
    func deliverMail(on reactor: Reactor, atMost limit: Int = ReactorExecutor.mailPerTurn) {
        guard isMailWaiting else { return }
        var mail: [Mail] = []
        swapMail(&mail)
        var count = 0
        while let letter = mail.popLast() {
            open(letter, on: reactor)
            reactor.runLongTurnQueue()
            count += 1
            guard count < limit else { break }
            if mail.isEmpty, isMailWaiting { swapMail(&mail, onlyJobs: true) }
        }
        if !mail.isEmpty { leave(mail) }
    }

    /// The number of functions and jobs that are run before the loop looks at sockets and timers again.
    package static let mailPerTurn = 256

    /// Takes the waiting work, in reverse order, and leaves an empty list. Has no effect if the work contains a
    /// function and only jobs are wanted.
    private func swapMail(_ mail: inout [Mail], onlyJobs: Bool = false) {
        let isReversed = mailbox.withLock { box in
            guard box.left.isEmpty else {
                swap(&box.left, &mail)
                return true
            }
            if onlyJobs, box.hasFunction { return true }
            hasMail.store(false, ordering: .relaxed)
            box.hasFunction = false
            swap(&box.waiting, &mail)
            return false
        }
        if !isReversed, mail.count > 1 { mail.reverse() }
    }

    /// Keeps work for the next turn.
    private func leave(_ mail: [Mail]) {
        mailbox.withLock { box in
            box.left = mail
            hasMail.store(true, ordering: .relaxed)
        }
    }

    private func open(_ letter: Mail, on reactor: Reactor) {
        measured {
            switch letter {
            case .function(let work): work(reactor)
            case .job(let job, let ofPreferringTask): run(job, ofPreferringTask: ofPreferringTask)
            }
        }
    }

    @inline(__always)
    private func measured(_ work: () -> Void) {
        guard let meter = unsafe meter else { return work() }
        meter.measure("posted work", 0, work)
    }

    /// The runtime makes an `await` a function call only if the continuation runs where the job was started: between
    /// two actors on this executor, or between two functions of a task that prefers it and that are isolated to no
    /// actor. Anything else goes through the mailbox.
    @inline(__always)
    private func run(_ job: UnownedJob, ofPreferringTask: Bool) {
        if ofPreferringTask {
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        } else {
            unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }

    /// Resumes a task and runs it at once, up to its next suspension, if it runs on this executor; otherwise it goes to
    /// its own. Call it on the reactor's thread, from the loop rather than from a job.
    ///
    /// The mailbox, and a place in a later part of the turn, would cost a task that waits for a message 1,500
    /// instructions.
    ///
    /// - Parameter resume: resumes the continuation of one task, and does nothing else.
    package func resumeAtOnce(_ resume: () -> Void) {
        unsafe resumption = .expected
        resume()
        let resumed = unsafe resumption
        unsafe resumption = .none
        guard case .arrived(let job, let ofPreferringTask) = resumed else { return }
        measured { run(job, ofPreferringTask: ofPreferringTask) }
    }

    /// Refuses all later work, and belongs to no thread any more, because the system reuses the ID of a thread.
    func close() {
        unsafe reactor = nil
        unsafe meter = nil
        // Waiting jobs are released outside the lock: releasing a function's captures may post again.
        _ = mailbox.withLock { box in
            box.isClosed = true
            thread.store(0, ordering: .relaxed)
            let mail = box.waiting + box.left
            for case .job in mail { box.lostJobCount += 1 }
            box.waiting = []
            box.left = []
            return mail
        }
    }
}
