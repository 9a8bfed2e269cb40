// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Synchronization
import Testing

/// An actor that lives on a reactor.
private actor Room {
    nonisolated let executor: ReactorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
    var guests = 0

    init(_ executor: ReactorExecutor) { self.executor = executor }

    func enter() -> UInt {
        guests += 1
        return threadNumber
    }

    /// The threads before, during and after a call to another actor.
    func visit(_ other: Room) async -> [UInt] {
        let before = threadNumber
        let during = await other.enter()
        return [before, during, threadNumber]
    }

    func visitOften(_ other: Room, then done: Counter) async {
        for _ in 0..<1000 { _ = await other.enter() }
        done.count()
    }

    func start(visiting other: Room, then done: Counter) { Task { await visitOften(other, then: done) } }

    /// Posted work and the actor's own jobs, alternating.
    func alternate(_ log: Log) {
        for number in 0..<100 {
            if number.isMultiple(of: 2) {
                executor.post { _ in log.add("\(number)") }
            } else {
                Task { add(number, to: log) }
            }
        }
    }

    private func add(_ number: Int, to log: Log) { log.add("\(number)") }
}

/// A task that waits.
private final class Waiting: Sendable {
    private let continuation = Mutex<CheckedContinuation<Void, Never>?>(nil)

    var isWaiting: Bool { continuation.withLock { $0 != nil } }

    nonisolated(nonsending) func wait() async {
        await withCheckedContinuation { task in continuation.withLock { $0 = task } }
    }

    func resume() { continuation.withLock { $0.take() }?.resume() }
}

private func enterWithoutAwait(_ room: Room) { room.assumeIsolated { $0.guests += 1 } }

@Suite struct `An actor on a reactor` {
    @Test func `is entered without await from the reactor's callbacks`() throws {
        let reactor = try Reactor()
        let room = Room(reactor.executor)
        let pair = Pair.pipe()
        put(pair.far.rawValue)
        var watch: DescriptorWatch?
        watch = try reactor.watch(pair.near.rawValue, for: .reading) {
            room.assumeIsolated { $0.guests += 1 }
            watch?.cancel()
        }
        reactor.schedule(after: .zero) { room.assumeIsolated { $0.guests += 1 } }
        reactor.executor.post { _ in room.assumeIsolated { $0.guests += 1 } }
        reactor.runBounded { room.assumeIsolated { $0.guests } == 3 }
    }

    @Test func `runs on the reactor's thread, also before and after it awaits another one there`() async throws {
        let thread = try ReactorThread { _ in }
        let here = Room(thread.executor)
        let nextDoor = Room(thread.executor)
        let home = await here.enter()
        for _ in 0..<100 { #expect(await here.visit(nextDoor) == [home, home, home]) }
        #expect(await nextDoor.guests == 100)
        thread.stop()
        thread.join()
    }

    @Test(arguments: [false, true])
    func `calls another one there like a function, without a turn of the loop`(isPreferring: Bool) throws {
        let reactor = try Reactor()
        let here = Room(reactor.executor)
        let nextDoor = Room(reactor.executor)
        let done = Counter()
        if isPreferring {
            Task(executorPreference: reactor.executor) { await here.visitOften(nextDoor, then: done) }
        } else {
            here.assumeIsolated { $0.start(visiting: nextDoor, then: done) }
        }
        var turns = 0
        reactor.runBounded {
            turns += 1
            return done.value == 1
        }
        #expect(turns < 10)
    }

    @Test func `is isolated on that thread and nowhere else`() async throws {
        let thread = try ReactorThread { _ in }
        #expect(thread.executor.isIsolatingCurrentContext() == false)
        #expect(!thread.executor.isCurrent)
        let room = Room(thread.executor)
        let isInside = await Task(executorPreference: thread.executor) {
            enterWithoutAwait(room)
            return thread.executor.isIsolatingCurrentContext() == true
        }.value
        #expect(isInside)
        thread.stop()
        thread.join()
    }

    @Test func `assumed elsewhere is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let thread = try ReactorThread { _ in }
            enterWithoutAwait(Room(thread.executor))
        }
        await #expect(processExitsWith: .failure) {
            try ReactorThread { _ in }.executor.checkIsolated()
        }
        await #expect(processExitsWith: .success) {
            let reactor = try Reactor()
            reactor.executor.checkIsolated()
            enterWithoutAwait(Room(reactor.executor))
        }
    }

    @Test func `runs its jobs and posted work in the order of their arrival`() throws {
        let reactor = try Reactor()
        let log = Log()
        Room(reactor.executor).assumeIsolated { $0.alternate(log) }
        reactor.runBounded { log.entries.count == 100 }
        #expect(log.entries == (0..<100).map { "\($0)" })
    }
}

@Suite struct `A task that prefers a reactor` {
    @Test func `runs on its thread, and returns to it after sleeping and after visits to other actors`() async throws {
        let thread = try ReactorThread { _ in }
        let executor = thread.executor
        actor Elsewhere {
            nonisolated var unownedExecutor: UnownedSerialExecutor {
                unsafe MainActor.sharedUnownedExecutor
            }
            func ask() -> UInt { threadNumber }
        }
        let elsewhere = Elsewhere()
        let places = await Task(executorPreference: executor) {
            var places = [executor.isCurrent]
            try? await Task.sleep(for: .milliseconds(1))  // what is tested
            places.append(executor.isCurrent)
            await Task.yield()
            places.append(executor.isCurrent)
            _ = await elsewhere.ask()
            places.append(executor.isCurrent)
            return places
        }.value
        #expect(places == [true, true, true, true])
        thread.stop()
        thread.join()
    }

    /// As a connection does with a task that waits for a message.
    @Test func `runs at once if the reactor resumes it so, and what it starts comes later`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let log = Log()
        let waiting = Waiting()
        let task = Task(executorPreference: executor) {
            await waiting.wait()
            log.add("resumed")
            Task(executorPreference: executor) { log.add("child") }
            await Task.yield()
            log.add("again")
        }
        reactor.runBounded { waiting.isWaiting }
        reactor.schedule(after: .zero) {
            executor.post { _ in log.add("posted") }
            executor.resumeAtOnce { waiting.resume() }
            log.add("returned")
        }
        reactor.runBounded { log.entries.count == 5 }
        #expect(log.entries == ["resumed", "returned", "posted", "child", "again"])
        withExtendedLifetime(task) {}
    }

    @Test func `has children that run there, too`() async throws {
        let thread = try ReactorThread { _ in }
        let executor = thread.executor
        let count = await withTaskExecutorPreference(executor) {
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 { group.addTask { executor.isCurrent } }
                return await group.reduce(into: 0) { if $1 { $0 += 1 } }
            }
        }
        #expect(count == 100)
        thread.stop()
        thread.join()
    }

    @Test func `runs ten thousand times, started from eight threads`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let done = Counter()
        let workers = (0..<8).map { _ in
            Worker { for _ in 0..<1250 { Task(executorPreference: executor) { done.count() } } }
        }
        reactor.runBounded { done.value == 10_000 }
        for worker in workers { worker.finish() }
        #expect(done.value == 10_000 && executor.lostJobCount == 0)
    }
}

@Suite struct `An executor whose reactor is gone` {
    @Test func `counts the jobs that were waiting, and those that come later`() throws {
        var reactor: Reactor? = try Reactor()
        let executor = try #require(reactor).executor
        func startTask() {
            let task = Task<Void, Never>(executorPreference: executor) { Issue.record("there is no reactor") }
            Self.lostTasks.withLock { $0.append(task) }
        }
        startTask()
        executor.post { _ in Issue.record("there is no reactor") }
        #expect(executor.lostJobCount == 0)
        reactor = nil
        #expect(executor.lostJobCount == 1)
        for _ in 0..<5 { startTask() }
        #expect(executor.lostJobCount == 6)
    }

    /// A task that never runs is never freed. Kept here, it is no leak for the sanitizer.
    private static let lostTasks = Mutex<[Task<Void, Never>]>([])

    @Test func `belongs to no thread, even if the system uses its thread's number again`() throws {
        var reuses = 0
        for _ in 0..<100 where reuses < 3 {
            let former = Former()
            Worker {
                guard let reactor = try? Reactor() else { return }
                former.state.withLock { $0 = (reactor.executor, threadNumber) }
            }.finish()
            let (executor, number) = former.state.withLock { $0 }
            #expect(executor?.isCurrent == false)
            let isTaken = Counter()
            let isCurrent = Counter()
            Worker {
                if threadNumber == number { isTaken.count() }
                if executor?.isCurrent != false { isCurrent.count() }
            }.finish()
            reuses += isTaken.value
            #expect(isCurrent.value == 0)
        }
        #expect(reuses > 0, "no thread number was used again: this test has seen nothing")
    }

    private final class Former: Sendable {
        let state = Mutex<(executor: ReactorExecutor?, number: UInt)>((nil, 0))
    }
}
