// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A process with pipes to its standard input and from its standard output, on the reactor's thread; together with all
/// processes that it starts and that stay in its process group.
///
/// ```
///   running ──end(after:), its time──▶ asked (SIGTERM) ──2 s──▶ killed (SIGKILL)
///      │                                  ▲                        │
///      └── the process has ended ─────────┘   the group is empty ──▶ gone
/// ```
///
/// Processes that it leaves behind in the background are also asked to end, then killed. During this, the group's ID is
/// safe: the group is signalled first after the process has ended but before it is collected, and later only while it
/// has members.
final class RunningChild {
    let input: ChildPipe
    let output: ChildPipe
    private let reactor: Reactor
    private let group: ChildGroup
    private let descriptor: Int32
    private var watch: DescriptorWatch?
    /// The next step towards the end, and its due time.
    private var step: (work: ScheduledWork, due: SuspendingClock.Instant)?
    private var isAsked = false
    private var isKilled = false
    private var end: ProcessEnd?
    private var isGone = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// Starts it. It is killed when this process ends.
    init(_ reactor: Reactor, _ program: ChildProgram) throws {
        let (theirInput, ourInput) = try makePipe()
        defer { close(theirInput) }
        input = ChildPipe(reactor, ourInput)
        let (ourOutput, theirOutput) = try makePipe()
        defer { close(theirOutput) }
        output = ChildPipe(reactor, ourOutput)
        self.reactor = reactor
        var program = program
        program.parentDeathSignal = SIGKILL
        group = ChildGroup(try program.start(input: theirInput, output: theirOutput))
        do {
            descriptor = try group.openDescriptor()
        } catch {
            group.signal(SIGKILL)
            while group.collect() == nil { _ = poll(nil, 0, 1) }
            throw error
        }
        do {
            watch = try reactor.watch(descriptor, for: .reading) { [unowned self] in processDidEnd() }
        } catch {
            // Its end would go unnoticed; ending it now is noticed by the step that follows.
            endNow()
        }
    }

    deinit {
        watch?.cancel()
        step?.work.cancel()
        close(descriptor)
        guard end == nil else { return }
        group.signal(SIGKILL)
        _ = group.collect()
    }

    /// Ends it after a time, unless it ends before. Of two times, the earlier one counts.
    func end(after delay: Duration) {
        guard end == nil, !isAsked, delay < (step.map { $0.due - .now } ?? .seconds(Int.max)) else { return }
        schedule(after: delay) { $0.endNow() }
    }

    /// Ends it now: SIGTERM, and SIGKILL two seconds later.
    func endNow() {
        guard !isAsked else { return }
        isAsked = true
        group.signal(SIGTERM)
        // A stopped process could not react.
        group.signal(SIGCONT)
        if end == nil { schedule(after: Self.patience) { $0.kill() } }
    }

    /// Waits until it and all processes in its group have ended.
    nonisolated(nonsending) func waitForEnd() async -> ProcessEnd {
        if !isGone { await withCheckedContinuation { waiter = $0 } }
        return end ?? .exited(-1)
    }

    private func kill() {
        isKilled = true
        group.signal(SIGKILL)
        processDidEnd()
    }

    /// Its ID is reserved until it is collected: the processes that it has left behind are asked to end before that.
    private func processDidEnd() {
        guard end == nil else { return }
        guard group.hasEnded else { return isKilled ? schedule(after: Self.interval) { $0.processDidEnd() } : () }
        watch.take()?.cancel()
        isAsked = true
        group.signal(SIGTERM)
        group.signal(SIGCONT)
        end = group.collect()
        awaitGroup(until: .now + Self.patience)
    }

    private func awaitGroup(until deadline: SuspendingClock.Instant) {
        group.collectOthers()
        guard group.isAlive else { return groupDidEnd() }
        if .now >= deadline {
            // A process that cannot even be killed waits for a device or a file system.
            guard !isKilled || .now < deadline + Self.patience else { return groupDidEnd() }
            isKilled = true
            group.signal(SIGKILL)
        }
        schedule(after: Self.interval * 5) { $0.awaitGroup(until: deadline) }
    }

    private func groupDidEnd() {
        step.take()?.work.cancel()
        isGone = true
        output.endWhenEmpty()
        waiter.take()?.resume()
    }

    private func schedule(after delay: Duration, _ work: @escaping (RunningChild) -> Void) {
        step?.work.cancel()
        let timer = reactor.schedule(after: delay) { [weak self] in if let self { work(self) } }
        step = (timer, .now + delay)
    }

    private static let patience = Duration.seconds(2)
    private static let interval = Duration.milliseconds(10)
}
