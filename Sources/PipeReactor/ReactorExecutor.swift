// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The one object of a reactor that other threads may hold.
///
/// It takes work from any thread and runs it on the reactor's: functions given to ``post(_:)``, jobs of actors that
/// name it as their executor, and tasks that prefer it. An actor that lives on the reactor calls the reactor's objects
/// directly, and an `await` between two of them is a function call, not a thread hop:
///
/// ```swift
/// actor Room {
///     nonisolated let executor: ReactorExecutor
///     nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
/// }
/// ```
///
/// Work runs in the order in which it came in, between the events of a turn of the loop and its end. It stays waiting
/// while the reactor does not run. When the reactor itself is gone, functions are refused and jobs are counted and
/// never run: a reactor has to outlive the actors that live on it.
public final class ReactorExecutor: SerialExecutor, TaskExecutor, EventHandler {
    // The mailbox: written by any thread under the lock, swapped out whole by the reactor, run outside the lock.
    // The thread that makes it non-empty wakes the reactor; on the reactor's own thread the next turn looks by itself.
    private let mailbox = Mutex(Mailbox())
    private let hasMail = Atomic(false)
    private let stopRequested = Atomic(false)
    private let thread = Atomic<UInt>(0)
    private let process = Atomic<Int32>(0)
    private let hasRun = Atomic(false)
    private let wakeUp: WakeUp
    private let forkMark = ForkMark.shared
    // The reactor, until it ends. Used on its thread only, and not weak: that would make all its references slower.
    private nonisolated(unsafe) unowned(unsafe) var reactor: Reactor?

    /// The time by which the reactor's timers go, where a test moves it; nil where it passes by itself.
    package let virtualTime: VirtualTime?

    init(in virtualTime: VirtualTime?) throws(SystemError) {
        self.virtualTime = virtualTime
        wakeUp = try WakeUp()
        adoptCurrentThread()
    }

    /// Runs a function on the reactor's thread, in a later turn of its loop. From any thread.
    ///
    /// - Parameter work: gets the reactor; runs exactly once, unless the reactor ends first.
    /// - Returns: false if the reactor is gone, and the function was dropped.
    @discardableResult
    public func post(_ work: @escaping @Sendable (Reactor) -> Void) -> Bool {
        add(.function(work))
    }

    /// Ends ``Reactor/run()``, now or when it is called. From any thread, any number of times; it does not wait.
    public func stop() {
        stopRequested.store(true, ordering: .releasing)
        wakeUp.signal()
    }

    /// Whether the caller is on the thread that runs the reactor (before it runs: on the thread that made it).
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == SystemThread.currentNumber }

    /// How many jobs of actors and tasks were lost because they came after the reactor's end.
    public var lostJobCount: Int { mailbox.withLock { $0.lostJobCount } }

    /// The time by which the reactor's timers go.
    var now: SuspendingClock.Instant { virtualTime?.now ?? SuspendingClock.now }

    /// The reactor, for what runs on its thread: a task that prefers this executor, an actor that names it.
    package var reactorOfThisThread: Reactor {
        precondition(isCurrent, "not on the reactor's thread")
        guard let reactor = unsafe reactor else { preconditionFailure("the reactor has ended") }
        return reactor
    }

    /// Takes a job of an actor or task; the Swift runtime calls this (`SerialExecutor`, `TaskExecutor`).
    public func enqueue(_ job: consuming ExecutorJob) {
        _ = add(.job(UnownedJob(job), ofPreferringTask: false))
    }

    /// How a task that prefers this executor puts its jobs here; ``enqueue(_:)`` is how actors do.
    ///
    /// Both protocols call it `enqueue`, but the jobs have to be run differently: see `deliverMail`.
    @_implements(TaskExecutor,enqueue(_:))
    public func enqueueOfPreferringTask(_ job: consuming ExecutorJob) {
        _ = add(.job(UnownedJob(job), ofPreferringTask: true))
    }

    /// Ends the process unless the caller is on the reactor's thread (`SerialExecutor`).
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
        /// The work that a turn had no time for, the first piece last.
        var left: [Mail] = []
        var hasFunction = false
        var isClosed = false
        var lostJobCount = 0
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
            // Under the lock, as in `adoptCurrentThread()`: a thread that hands the reactor to another and goes on
            // posting either is seen by the other's first look, or sees the other and wakes it.
            return isCurrent ? .accepted : .acceptedAsleep
        }
        if outcome == .acceptedAsleep { wakeUp.signal() }
        return outcome != .refused
    }

    // MARK: The reactor's side

    /// Whether the caller may use what lives on the reactor: in the process that made it, and, from the first time that
    /// it runs to its end, on the thread that runs it. For assertions, since it costs a system call.
    package var admitsCaller: Bool {
        if thread.load(ordering: .relaxed) == 0 { return true }
        return isInOwnProcess && (isCurrent || !hasRun.load(ordering: .relaxed))
    }

    /// The calling thread runs the reactor from now on.
    func beginRunning() {
        adoptCurrentThread()
        hasRun.store(true, ordering: .relaxed)
    }

    /// False in a child that was forked and runs no other program: it shares the epoll descriptor with its parent, and
    /// what it takes out there is gone for the parent as well.
    @inline(__always)
    var isInOwnProcess: Bool { forkMark.isSet(by: process.load(ordering: .relaxed)) }

    var isMailWaiting: Bool { hasMail.load(ordering: .relaxed) }
    var isStopRequested: Bool { stopRequested.load(ordering: .acquiring) }
    package var wakeUpDescriptor: Int32 { wakeUp.rawDescriptor }

    /// Belongs to a reactor until ``close()``.
    func belong(to reactor: Reactor) { unsafe self.reactor = reactor }

    func adoptCurrentThread() {
        mailbox.withLock { _ in thread.store(SystemThread.currentNumber, ordering: .relaxed) }
        let own = ForkMark.callingProcessID
        process.store(own, ordering: .relaxed)
        forkMark.set(by: own)
    }

    package func handle(_ readiness: Readiness) { wakeUp.wait() }

    /// Runs what is waiting, in order, and leaves the rest for the next turn after a number of pieces: a thread that
    /// posts faster than the loop works keeps no connection from being read. Functions that are added meanwhile wait
    /// for the next turn, jobs do not: a job is often a mere `await` that goes on elsewhere on this executor, and a
    /// turn for each would be a system call for each.
    func deliverMail(on reactor: Reactor, atMost limit: Int = ReactorExecutor.mailPerTurn) {
        guard isMailWaiting else { return }
        var mail: [Mail] = []
        swapMail(&mail)
        var count = 0
        while let letter = mail.popLast() {
            if let meter = reactor.meter {
                meter.measure("posted work") { open(letter, on: reactor) }
            } else {
                open(letter, on: reactor)
            }
            reactor.runLongTurnQueue()
            count += 1
            guard count < limit else { break }
            if mail.isEmpty, isMailWaiting { swapMail(&mail, onlyJobs: true) }
        }
        if !mail.isEmpty { leave(mail) }
    }

    /// How many functions and jobs are run between two looks at sockets and timers.
    package static let mailPerTurn = 256

    /// Takes what is waiting, the first piece last, and leaves an empty list. Without effect if a function is among it
    /// and only jobs are wanted.
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

    /// For the next turn.
    private func leave(_ mail: [Mail]) {
        mailbox.withLock { box in
            box.left = mail
            hasMail.store(true, ordering: .relaxed)
        }
    }

    private func open(_ letter: Mail, on reactor: Reactor) {
        switch letter {
        case .function(let work): work(reactor)
        // The runtime takes an `await` for a function call only if what follows runs where the job was started: between
        // two actors on this executor, or between two functions of a task that prefers it and are on no actor. Anything
        // else goes through the mailbox.
        case .job(let job, ofPreferringTask: false):
            unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        case .job(let job, ofPreferringTask: true):
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Refuses all later work, and belongs to no thread any more: the system gives a thread's number to a later one.
    func close() {
        unsafe reactor = nil
        // Waiting jobs are released outside the lock: the end of what a function captured may post again.
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
