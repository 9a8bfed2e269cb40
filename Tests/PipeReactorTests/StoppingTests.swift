// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Synchronization
import Testing

@Suite struct `Stopping a reactor` {
    @Test func `before it runs is remembered, and waiting work is still done`() throws {
        let reactor = try Reactor()
        let done = Counter()
        reactor.executor.post { _ in done.count() }
        reactor.stop()
        #expect(reactor.isStopped)
        reactor.runToStop()
        #expect(done.value == 1)
    }

    @Test func `twice, or after it ran, is the same as once`() throws {
        let reactor = try Reactor()
        reactor.schedule(after: .zero) { for _ in 0..<100 { reactor.stop() } }
        reactor.runToStop()
        reactor.stop()
        reactor.executor.stop()
        #expect(reactor.isStopped)
    }

    @Test func `is final: running again returns, and later work is refused`() throws {
        let reactor = try Reactor()
        reactor.stop()
        reactor.runToStop()
        let done = Counter()
        #expect(!reactor.executor.post { _ in done.count() })
        #expect(!reactor.run(timeout: patience) { false })
        #expect(done.value == 0)
    }

    enum Place: CaseIterable { case timer, repeatingTimer, post, watch, endOfTurn, condition }

    @Test(arguments: Place.allCases)
    func `from within any callback ends the loop after that turn`(place: Place) throws {
        final class Stop: TurnWork {
            let reactor: Reactor
            init(_ reactor: Reactor) { self.reactor = reactor }
            func runInTurn() { reactor.stop() }
        }
        let reactor = try Reactor()
        let pair = Pair.pipe()
        var held: [AnyObject] = []
        switch place {
        case .timer: reactor.schedule(after: .milliseconds(1)) { reactor.stop() }
        case .repeatingTimer:
            held.append(reactor.schedule(after: .zero, repeating: .milliseconds(1)) { reactor.stop() })
        case .post: reactor.executor.post { $0.stop() }
        case .watch:
            held.append(try reactor.watch(pair.near.rawValue, for: .reading) { reactor.stop() })
            put(pair.far.rawValue)
        case .endOfTurn: reactor.runAtEndOfTurn(Stop(reactor))
        case .condition:
            #expect(
                !reactor.run(timeout: patience) {
                    reactor.stop(); return false
                })
            #expect(reactor.isStopped)
            return
        }
        reactor.runToStop()
        #expect(reactor.isStopped)
        for case let timer as ScheduledWork in held { timer.cancel() }
    }

    @Test func `from other threads wakes it, however many do so at once`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        var workers: [Worker] = []
        reactor.schedule(after: .zero) {
            workers = (0..<8).map { _ in Worker { for _ in 0..<1000 { executor.stop() } } }
        }
        reactor.runToStop()
        for worker in workers { worker.finish() }
    }

    @Test func `wakes a loop that has nothing to wait for`() throws {
        let reactor = try Reactor()
        let executor = reactor.executor
        let running = Worker { reactor.run() }
        #expect(eventually { running.isAsleep })
        executor.stop()
        running.finish()
    }

    @Test func `does what is queued, and what that queues`() throws {
        let reactor = try Reactor()
        let depth = Counter()
        @Sendable func chain(_ reactor: Reactor) {
            depth.count()
            if depth.value < 20 { reactor.executor.post(chain) }
        }
        reactor.schedule(after: .zero) {
            reactor.stop()
            reactor.executor.post(chain)
        }
        reactor.runToStop()
        #expect(depth.value == 20)
    }

    @Test func `ends even if work keeps making work`() throws {
        let reactor = try Reactor()
        let rounds = Counter()
        @Sendable func forever(_ reactor: Reactor) {
            rounds.count()
            reactor.executor.post(forever)
        }
        reactor.executor.post(forever)
        reactor.stop()
        reactor.runToStop()
        #expect(rounds.value > 0)
    }

    @Test func `reaches registered objects, after the work that was queued`() throws {
        let reactor = try Reactor()
        let log = Log()
        let guest = Guest(reactor) { log.add("ended") }
        reactor.executor.post { _ in log.add("work") }
        reactor.stop()
        reactor.runToStop()
        #expect(log.entries == ["work", "ended"])
        #expect(guest.hasLeft && reactor.registry.count == 0)
    }

    @Test func `runs the work that registered objects queue at their end`() throws {
        let reactor = try Reactor()
        let log = Log()
        _ = Guest(reactor) { reactor.executor.post { _ in log.add("farewell") } }
        reactor.schedule(after: .zero) { reactor.stop() }
        reactor.runToStop()
        #expect(log.entries == ["farewell"])
    }

    @Test func `also ends an object that a registered one starts at its end`() throws {
        let reactor = try Reactor()
        let log = Log()
        _ = Guest(reactor) {
            log.add("first")
            _ = Guest(reactor) { log.add("second") }
        }
        reactor.stop()
        reactor.runToStop()
        #expect(log.entries == ["first", "second"])
        #expect(reactor.registry.count == 0)
    }

    @Test func `ends even if a registered object stays, or keeps making others`() throws {
        let reactor = try Reactor()
        final class Stayer: Registered { func reactorDidStop() {} }
        _ = reactor.registry.insert(Stayer())
        func beget() { _ = Guest(reactor, beget) }
        beget()
        reactor.stop()
        reactor.runToStop()
        for guest in reactor.registry.elements { (guest as? Guest)?.leave() }
    }

    @Test func `releases the reactor, although an object that holds it left at its end or outside any turn`() throws {
        for leavesByItself in [true, false] {
            weak var seen: Reactor?
            do {
                let reactor = try Reactor()
                seen = reactor
                let guest = Guest(reactor) {}
                if leavesByItself { guest.leave() }
                reactor.stop()
                reactor.runToStop()
            }
            #expect(seen == nil)
        }
    }

    @Test func `is not what a time limit does: registered objects stay`() throws {
        let reactor = try Reactor()
        let guest = Guest(reactor) { Issue.record("the reactor was not stopped") }
        #expect(!reactor.run(timeout: .zero) { false })
        #expect(reactor.registry.count == 1)
        guest.leave()
    }
}

/// Stays on a reactor until it is told to leave.
private final class Guest: Registered {
    private let reactor: Reactor
    private let farewell: () -> Void
    private var key: UInt64 = 0
    private(set) var hasLeft = false

    init(_ reactor: Reactor, _ farewell: @escaping () -> Void) {
        self.reactor = reactor
        self.farewell = farewell
        key = reactor.registry.insert(self)
    }

    func reactorDidStop() {
        leave()
        farewell()
    }

    func leave() {
        hasLeft = true
        reactor.registry.remove(key)
    }
}
