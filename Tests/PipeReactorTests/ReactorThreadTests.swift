// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Synchronization
import Testing

@Suite struct `A reactor's thread` {
    private struct SetUpFailed: Error, Equatable { let reason: Int }

    @Test func `runs the set-up on itself before the initializer returns, then the loop`() throws {
        let log = Log()
        let thread = try ReactorThread { reactor in
            log.add(reactor.executor.isCurrent ? "set up" : "elsewhere")
            reactor.schedule(after: .zero) { log.add("loop") }
        }
        #expect(log.entries.first == "set up")
        #expect(eventually { log.entries == ["set up", "loop"] })
        thread.stop()
        thread.join()
    }

    @Test func `throws the error of the set-up, and leaves nothing behind`() throws {
        for reason in 0..<20 {
            let place = Log()
            let ends = Counter()
            let error = #expect(throws: SetUpFailed.self) {
                _ = try ReactorThread { reactor in
                    place.add(currentThreadDirectory())
                    let captive = Captive { ends.count() }
                    reactor.schedule(after: .seconds(60)) { captive.touch() }
                    throw SetUpFailed(reason: reason)
                }
            }
            #expect(error == SetUpFailed(reason: reason))
            #expect(ends.value == 1)
            #expect(eventually { !exists(place.entries[0]) })
        }
    }

    @Test func `fails with a typed error where there are no descriptors`() async {
        await #expect(processExitsWith: .success) {
            withoutDescriptors {
                let error = #expect(throws: SystemError.self) { try ReactorThread { _ in } }
                precondition(error?.description.contains("Too many open files") == true)
            }
        }
    }

    @Test(arguments: [
        ("pipes", "pipes"), ("", ""), ("fifteen bytes..", "fifteen bytes.."), ("sixteen bytes...", "sixteen bytes.."),
    ])
    func `shows its name, as much of it as the kernel keeps`(name: String, shown: String) throws {
        let log = Log()
        let thread = try ReactorThread(name: name) { _ in
            log.add(contents(of: currentThreadDirectory() + "/comm") ?? "no file")
        }
        thread.stop()
        thread.join()
        #expect(log.entries == [shown + "\n"])
    }

    @Test func `is stopped and joined any number of times, from any thread`() throws {
        let thread = try ReactorThread { _ in }
        let workers = (0..<8).map { _ in
            Worker {
                for _ in 0..<50 {
                    thread.stop()
                    thread.join()
                }
            }
        }
        for worker in workers { worker.finish() }
        thread.join()
        #expect(!thread.executor.post { _ in })
    }

    @Test func `lets several threads join it`() throws {
        let isOpen = Counter()
        let hasEnded = Counter()
        let thread = try ReactorThread { reactor in
            reactor.executor.post { reactor in
                _ = eventually { isOpen.value > 0 }
                hasEnded.count()
                reactor.stop()
            }
        }
        let early = Counter()
        let joining = (0..<2).map { _ in
            Worker {
                thread.join()
                if hasEnded.value == 0 { early.count() }
            }
        }
        #expect(eventually { joining.allSatisfy { $0.isAsleep || $0.isFinished } })
        isOpen.count()
        for worker in joining { worker.finish() }
        #expect(early.value == 0)
    }

    @Test func `is gone after joining`() throws {
        let log = Log()
        let thread = try ReactorThread { _ in log.add(currentThreadDirectory()) }
        #expect(exists(log.entries[0]))
        thread.stop()
        thread.join()
        #expect(eventually { !exists(log.entries[0]) })
    }

    @Test func `ends when the last reference is released`() throws {
        let log = Log()
        let ends = Counter()
        var thread: ReactorThread? = try ReactorThread { reactor in
            log.add(currentThreadDirectory())
            let captive = Captive { ends.count() }
            reactor.schedule(after: .seconds(60)) { captive.touch() }
        }
        _ = thread
        thread = nil
        #expect(eventually { ends.value == 1 && !exists(log.entries[0]) })
    }

    @Test func `ends when the last reference is released on the thread itself`() throws {
        let log = Log()
        let holder = Holder()
        try holder.set(ReactorThread { _ in log.add(currentThreadDirectory()) })
        #expect(holder.executor?.post { _ in holder.drop() } == true)
        #expect(eventually { !exists(log.entries[0]) })
    }

    private final class Holder: Sendable {
        private let thread = Mutex<ReactorThread?>(nil)
        var executor: ReactorExecutor? { thread.withLock { $0?.executor } }
        func set(_ new: ReactorThread) { thread.withLock { $0 = new } }
        func drop() { _ = thread.withLock { $0.take() } }
    }

    @Test func `that is stopped in the set-up runs what was posted, and ends`() throws {
        let done = Counter()
        let thread = try ReactorThread { reactor in
            reactor.stop()
            reactor.executor.post { _ in done.count() }
        }
        thread.join()
        #expect(done.value == 1)
    }

    @Test func `cannot wait for itself`() async {
        await #expect(processExitsWith: .failure) {
            let thread = try ReactorThread { _ in }
            thread.executor.post { _ in thread.join() }
            thread.join()
        }
    }

    @Test func `can be made and ended two hundred times at once on four threads`() {
        let failures = Counter()
        let workers = (0..<4).map { _ in
            Worker {
                for _ in 0..<50 {
                    guard let thread = try? ReactorThread(setUp: { _ in }) else { return failures.count() }
                    thread.executor.post { $0.stop() }
                    thread.join()
                }
            }
        }
        for worker in workers { worker.finish() }
        #expect(failures.value == 0)
    }
}

@Suite struct `A reference from another thread` {
    private final class Guest { var visits = 0 }

    @Test func `performs on the reactor's thread, with the object`() throws {
        let reactor = try Reactor()
        let guest = Guest()
        let reference = ReactorReference<Guest>(reactor.executor, key: reactor.registry.insert(guest))
        Worker { for _ in 0..<100 { reference.perform { $0.visits += 1 } } }.finish()
        #expect(guest.visits == 0)
        reactor.runBounded { guest.visits == 100 }
    }

    @Test func `does nothing once the object has ended, even if another took its place`() throws {
        let reactor = try Reactor()
        let key = reactor.registry.insert(Guest())
        let reference = ReactorReference<Guest>(reactor.executor, key: key)
        #expect(reference.perform { _ in Issue.record("the object has ended") })
        reactor.registry.remove(key)
        _ = reactor.registry.insert(Guest())
        reactor.runTurns(2)
        #expect(reference.resolve(on: reactor) == nil)
    }

    @Test func `does not confuse objects of different types`() throws {
        let reactor = try Reactor()
        let key = reactor.registry.insert(Captive())
        #expect(ReactorReference<Guest>(reactor.executor, key: key).resolve(on: reactor) == nil)
        #expect(ReactorReference<Captive>(reactor.executor, key: key).resolve(on: reactor) != nil)
    }

    @Test func `is refused when the reactor is gone`() throws {
        var reactor: Reactor? = try Reactor()
        let reference = try ReactorReference<Guest>(#require(reactor).executor, key: 1)
        reactor = nil
        #expect(!reference.perform { _ in })
    }
}
