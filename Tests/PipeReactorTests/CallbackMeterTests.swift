// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import PipeReactor

/// HOSTILE 50: the watchdog names a callback that takes long or never returns, from outside the loop.
@Suite struct `50 · a callback that holds the loop` {
    /// The watchdog's reports, from its thread.
    final class Reports: Sendable {
        private let list = Mutex<[SlowCallback]>([])
        func add(_ callback: SlowCallback) { list.withLock { $0.append(callback) } }
        var all: [SlowCallback] { list.withLock { $0 } }

        /// Holds the loop until the watchdog has reported it.
        func hold() { _ = eventually { !all.isEmpty } }
    }

    static func reactor(_ reports: Reports, limit: Duration = .milliseconds(20)) throws -> Reactor {
        var configuration = Reactor.Configuration()
        configuration.callbackTimeLimit = limit
        let reactor = try Reactor(configuration: configuration)
        reactor.reportSlowCallbacks { reports.add($0) }
        return reactor
    }

    enum Place: CaseIterable { case timer, post, watch, endOfTurn }

    @Test(arguments: Place.allCases)
    func `is named while it still holds it`(place: Place) throws {
        final class Work: TurnWork {
            let body: () -> Void
            init(_ body: @escaping () -> Void) { self.body = body }
            func runInTurn() { body() }
        }
        let reports = Reports()
        let reactor = try Self.reactor(reports)
        let isDone = Counter()
        let hold: @Sendable () -> Void = {
            reports.hold()
            isDone.count()
        }
        let pair = Pair.pipe()
        let near = pair.near.rawValue
        var watch: DescriptorWatch?
        let name: String
        switch place {
        case .timer:
            reactor.schedule(after: .zero, hold)
            name = "timer"
        case .post:
            reactor.executor.post { _ in hold() }
            name = "posted work"
        case .watch:
            watch = try reactor.watch(near, for: .reading) {
                take(near)
                hold()
            }
            put(pair.far.rawValue)
            name = "watched descriptor"
        case .endOfTurn:
            reactor.runAtEndOfTurn(Work(hold))
            name = "end of turn"
        }
        reactor.runBounded { isDone.value == 1 }
        watch?.cancel()
        #expect(reports.all.map(\.name) == [name])
        #expect(reports.all.allSatisfy { $0.duration > .milliseconds(20) && $0.connection == nil })
        #expect(reactor.statistics?.slowCallbackCount == 1)
        #expect(reactor.statistics?.longestCallback?.name == name)
    }

    @Test func `is named once, and the next one again, also after the loop has slept`() throws {
        let reports = Reports()
        let reactor = try Self.reactor(reports, limit: .milliseconds(4))
        for round in 1...3 {
            // Longer than it takes the watchdog to stop looking.
            reactor.schedule(after: .milliseconds(30)) { _ = eventually { reports.all.count == round } }
            reactor.runBounded { reports.all.count == round }
        }
        reactor.stop()
        reactor.runToStop()
        #expect(reports.all.count == 3)
    }

    @Test func `is counted without the callbacks inside it that have names of their own`() throws {
        var configuration = Reactor.Configuration()
        configuration.measuresCallbacks = true
        let reactor = try Reactor(configuration: configuration)
        var isDone = false
        reactor.schedule(after: .zero) {
            reactor.meter?.measure("inner", 7 << 32 | 5) { holdLoop(for: .milliseconds(10)) }
            isDone = true
        }
        reactor.runBounded { isDone }
        let statistics = try #require(reactor.statistics)
        #expect(statistics.longestCallback?.name == "inner")
        #expect(statistics.longestCallback?.connection == "5.7")
        #expect(statistics.maximumLoopLag >= .milliseconds(10))
        #expect(statistics.lastLoopLag <= statistics.maximumLoopLag)
        #expect(statistics.slowCallbackCount == 0)
    }

    @Test func `is what the others had to wait for: the lag of the loop`() throws {
        var configuration = Reactor.Configuration()
        configuration.measuresCallbacks = true
        let reactor = try Reactor(configuration: configuration)
        #expect(reactor.statistics == Reactor.Statistics())
        var count = 0
        // Three callbacks that are due together are one turn.
        for _ in 0..<3 {
            reactor.schedule(after: .zero) {
                holdLoop(for: .milliseconds(5))
                count += 1
            }
        }
        reactor.runBounded { count == 3 }
        let statistics = try #require(reactor.statistics)
        #expect(statistics.maximumLoopLag >= .milliseconds(15))
        #expect(try #require(statistics.longestCallback).duration >= .milliseconds(5))
    }

    @Test func `is not measured unless asked for: no numbers, no clock, no thread`() throws {
        let reactor = try Reactor()
        var isDone = false
        reactor.schedule(after: .zero) { isDone = true }
        reactor.runBounded { isDone }
        #expect(reactor.statistics == nil)
        #expect(reactor.meter == nil)
    }

    @Test(arguments: [
        (Duration.microseconds(840), "840 µs"), (.nanoseconds(112_371_488), "112 ms"),
        (.microseconds(999_499), "999 ms"),
        (.microseconds(999_500), "1.0 s"), (.milliseconds(12_340), "12.3 s"),
    ])
    func `a slow callback is one line for a log`(time: Duration, text: String) {
        #expect("\(SlowCallback("timer", 0, time))" == "timer, \(text)")
        #expect("\(SlowCallback("timer", 1 << 32 | 17, time))" == "timer on 17.1, \(text)")
    }
}
