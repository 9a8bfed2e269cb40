// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PipeReactor

/// HOSTILE 78: a process that was stopped, or a loop that a callback held, until after a limit, while the answer waits.
@Suite struct `A time limit` {
    @Test(arguments: [0, 1, 5])
    func `78 · passed while the loop was held lets what has arrived be handled, in however many turns`(
        turnCount: Int
    ) throws {
        let reactor = try Reactor()
        let pair = Pair.pipe()
        var isExceeded = false
        let limit = reactor.limit(.milliseconds(40)) { isExceeded = true }
        let handling = Handling(reactor, turnCount) { limit.cancel() }
        var watch: DescriptorWatch?
        watch = try reactor.watch(pair.near.rawValue, for: .reading) {
            watch?.cancel()
            handling.runInTurn()
        }
        reactor.schedule(after: .zero) {
            put(pair.far.rawValue)
            holdLoop(for: .milliseconds(80))
        }
        reactor.runBounded { !limit.isPending }
        #expect(!isExceeded)
    }

    @Test func `is exceeded once, and not before its time`() throws {
        let reactor = try Reactor()
        let start = SuspendingClock.now
        var count = 0
        let limit = reactor.limit(.milliseconds(5)) {
            #expect(SuspendingClock.now - start >= .milliseconds(5))
            count += 1
        }
        reactor.runBounded { count > 0 }
        reactor.runTurns(4)
        #expect(count == 1 && !limit.isPending)
    }

    @Test func `is exceeded at its point where a test moves the time`() throws {
        let reactor = try Reactor(in: VirtualTime())
        var isExceeded = false
        let limit = reactor.limit(.seconds(2)) { isExceeded = true }
        reactor.advance(by: .milliseconds(1_999))
        #expect(!isExceeded && limit.isPending)
        reactor.advance(by: .milliseconds(1))
        #expect(isExceeded && !limit.isPending)
    }

    @Test func `that is late gets more time, from when the loop goes on`() throws {
        let time = VirtualTime()
        let reactor = try Reactor(in: time)
        var isExceeded = false
        let limit = reactor.limit(.seconds(8)) { isExceeded = true }
        reactor.schedule(after: .seconds(1)) { time.now += .seconds(10) }
        reactor.advance(by: .seconds(8))
        reactor.advance(by: .milliseconds(999))
        #expect(!isExceeded)
        reactor.advance(by: .milliseconds(1))
        #expect(isExceeded && !limit.isPending)
    }

    @Test func `that is cancelled releases its function, also between being due and the decision`() throws {
        let reactor = try Reactor()
        var isGone = false
        var limit: TimeLimit?
        do {
            let captive = Captive { isGone = true }
            limit = reactor.limit(.zero) {
                Issue.record("exceeded")
                captive.touch()
            }
        }
        // Set later, so it fires later in the turn in which the limit became due.
        reactor.schedule(after: .zero) { limit?.cancel() }
        reactor.runBounded { limit?.isPending == false }
        reactor.runTurns(4)
        #expect(isGone)
    }
}

@Suite struct `Patience with a limit` {
    @Test func `that is due on time is a look of two turns`() {
        var patience = Patience(for: .seconds(2))
        #expect(patience.isDue(late: .milliseconds(4)) == .lookOnce)
        #expect(patience.turnDidEnd() == .lookOnce)
        #expect(patience.turnDidEnd() == .decide)
    }

    @Test(arguments: [
        (Duration.seconds(2), Duration.milliseconds(250)), (.seconds(60), .seconds(1)), (.zero, .milliseconds(1)),
    ])
    func `that is late is an eighth of the limit, from a millisecond to a second`(
        limit: Duration, wait: Duration
    ) {
        var patience = Patience(for: limit)
        #expect(patience.isDue(late: .milliseconds(11)) == .wait(wait))
        #expect(patience.isDue(late: .milliseconds(1)) == .lookOnce)
    }

    @Test func `whose loop is always late ends`() {
        var patience = Patience(for: .seconds(1))
        var waitCount = 0
        while case .wait = patience.isDue(late: .seconds(1)) { waitCount += 1 }
        #expect(waitCount == 8)
    }
}

/// Work that takes several turns of the loop.
private final class Handling: TurnWork {
    private unowned let reactor: Reactor
    private var turnCount: Int
    private let done: () -> Void

    init(_ reactor: Reactor, _ turnCount: Int, done: @escaping () -> Void) {
        self.reactor = reactor
        self.turnCount = turnCount
        self.done = done
    }

    func runInTurn() {
        if turnCount == 0 { return done() }
        turnCount -= 1
        reactor.runAtEndOfTurn(self)
    }
}
