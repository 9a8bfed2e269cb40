// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Testing

@Suite struct `Running a reactor` {
    @Test func `asks the condition before it waits for anything or runs anything`() throws {
        let reactor = try Reactor()
        var ran = false
        reactor.schedule(after: .zero) { ran = true }
        reactor.executor.post { _ in Issue.record("work ran though the condition held") }
        var asked = 0
        #expect(
            reactor.run(timeout: patience) {
                asked += 1; return true
            })
        #expect(asked == 1 && !ran)
    }

    @Test(arguments: [Duration.seconds(-5), .zero, .milliseconds(1), .milliseconds(20)])
    func `ends when its time is up, not before, and can run again`(limit: Duration) throws {
        let reactor = try Reactor()
        for _ in 0..<2 {
            let start = SuspendingClock.now
            #expect(!reactor.run(timeout: limit) { false })
            #expect(SuspendingClock.now - start >= limit)
        }
        #expect(!reactor.isStopped)
    }

    @Test func `sees a condition that became true in the last turn before the time limit`() throws {
        let reactor = try Reactor()
        var isDone = false
        reactor.schedule(after: .zero) {
            holdLoop(for: .milliseconds(20))
            isDone = true
        }
        #expect(reactor.run(timeout: .milliseconds(1)) { isDone })
    }

    @Test func `settles only once a descriptor that a turn's last work registered has been served`() throws {
        final class Late: TurnWork {
            let work: () -> Void
            init(_ work: @escaping () -> Void) { self.work = work }
            func runInTurn() { work() }
        }
        let reactor = try Reactor(in: VirtualTime())
        let pair = Pair.pipe()
        put(pair.far.rawValue)
        let near = pair.near.rawValue
        var watch: DescriptorWatch?
        var calls = 0
        reactor.runAtEndOfTurn(
            Late {
                watch = try? reactor.watch(near, for: .reading) {
                    calls += 1
                    take(near)
                }
            })
        #expect(reactor.settle())
        #expect(calls == 1)
        watch?.cancel()
    }

    @Test func `takes a time limit beyond all times`() throws {
        let reactor = try Reactor()
        for limit in [Duration.seconds(Int64.max), Duration.seconds(Int64.max) * 10, .seconds(1 << 40)] {
            var isDone = false
            reactor.schedule(after: .milliseconds(1)) { isDone = true }
            #expect(reactor.run(timeout: limit) { isDone })
        }
    }

    @Test func `runs on a thread other than the one that made it`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        #expect(executor.isCurrent)
        let worker = Worker { reactor.runToStop() }
        let current = Counter()
        executor.post { reactor in
            if reactor.executor.isCurrent { current.count() }
            reactor.stop()
        }
        worker.finish()
        #expect(current.value == 1)
        #expect(!executor.isCurrent)
    }

    @Test func `never loses work that is posted while it moves to another thread`() throws {
        for _ in 0..<1000 {
            let reactor = try Reactor()
            let executor = reactor.executor
            let worker = Worker { reactor.runToStop() }
            executor.post { $0.stop() }
            worker.finish()
        }
    }

    @Test func `inside itself is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let reactor = try Reactor()
            reactor.schedule(after: .zero) { reactor.run(timeout: .zero) { true } }
            reactor.run(timeout: .seconds(5)) { false }
        }
        await #expect(processExitsWith: .failure) {
            let reactor = try Reactor()
            reactor.run(timeout: .seconds(5)) { reactor.run(timeout: .zero) { true } }
        }
        await #expect(processExitsWith: .failure) {
            let reactor = try Reactor()
            reactor.executor.post { $0.run(timeout: .zero) { true } }
            reactor.run(timeout: .seconds(5)) { false }
        }
    }

    @Test func `without descriptors fails with a typed error`() async {
        await #expect(processExitsWith: .success) {
            withoutDescriptors {
                let error = #expect(throws: SystemError.self) { try Reactor() }
                precondition(error?.description.contains("Too many open files") == true)
            }
        }
    }

    @Test func `uses epoll whatever libevent's environment variables say`() async {
        await #expect(processExitsWith: .success) {
            disableEpollByEnvironment()
            let reactor = try Reactor()
            reactor.stop()
            reactor.run()
        }
    }
}
