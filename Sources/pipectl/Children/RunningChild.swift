// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A process with pipes to its standard input and from its standard output, on the reactor's thread; and all that it
/// starts and that stays in its process group.
///
/// ```
///   running ──end(after:), its time──▶ asked (SIGTERM) ──2 s──▶ killed (SIGKILL)
///      │                                  ▲                        │
///      └── the process has ended ─────────┘   the group is empty ──▶ gone
/// ```
///
/// Also what a process leaves behind in the background when it ends is asked, then killed. While it ends, the group's
/// number is safe: it is signalled first while the process has ended but was not collected, and later only while it
/// has members.
final class RunningChild {
    let input: ChildPipe
    let output: ChildPipe
    private let reactor: Reactor
    private let group: ChildGroup
    private let descriptor: Int32
    private var watch: DescriptorWatch?
    /// The next step towards the end, and when it is due.
    private var step: (work: ScheduledWork, due: SuspendingClock.Instant)?
    private var isAsked = false
    private var isKilled = false
    private var end: ProcessEnd?
    private var isGone = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// Starts it. It is killed when the process that we are is.
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
            // Nobody would notice its end; ending it now is noticed by the step that follows.
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

    /// Has it end after a time, unless it does so before. An earlier time counts.
    func end(after delay: Duration) {
        guard end == nil, !isAsked, delay < (step.map { $0.due - .now } ?? .seconds(Int.max)) else { return }
        schedule(after: delay) { $0.endNow() }
    }

    /// Has it end now: SIGTERM, and SIGKILL two seconds later.
    func endNow() {
        guard !isAsked else { return }
        isAsked = true
        group.signal(SIGTERM)
        // One that is stopped could not obey.
        group.signal(SIGCONT)
        if end == nil { schedule(after: Self.patience) { $0.kill() } }
    }

    /// Waits until it and all in its group have ended.
    nonisolated(nonsending) func waitForEnd() async -> ProcessEnd {
        if !isGone { await withCheckedContinuation { waiter = $0 } }
        return end ?? .exited(-1)
    }

    private func kill() {
        isKilled = true
        group.signal(SIGKILL)
        processDidEnd()
    }

    /// Its number is its own until it is collected: what it has left behind is asked to end before that.
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
            // One that cannot even be killed waits for a device or a file system.
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
