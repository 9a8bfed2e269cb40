// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `The deadlines of a connection` {
    private func sweep(_ change: (inout PipeConnection.Configuration) -> Void) -> DeadlineSweep {
        var configuration = PipeConnection.Configuration()
        configuration.frameDeadline = nil
        configuration.writeStallDeadline = nil
        change(&configuration)
        return DeadlineSweep(configuration)
    }

    /// How long after its beginning at `start` a limit is found to be reached, all in microseconds, with a timer that
    /// is up to `lateness` late each time.
    private func found(_ limit: Int, start: Int, lateness: Int, _ random: inout Seeded) -> Int {
        var sweep = sweep { $0.frameDeadline = .microseconds(limit) }
        let interval = Int(sweep.interval / .microseconds(1))
        var now = 0
        var stamp: UInt32?
        while true {
            let next = now + interval + Int.random(in: 0...lateness, using: &random)
            // A limit that begins before the timer's next call is stamped with the tick of the last one.
            if stamp == nil, start < next { stamp = sweep.tick }
            now = next
            sweep.advance()
            guard let stamp else { continue }
            let stamps = DeadlineSweep.Stamps(frameBegan: stamp, tookLast: nil, wasActive: 0, opened: 0)
            if sweep.overdue(stamps) == .frameTimeout { return now - start }
        }
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func `33 · are never early, and late by a quarter or two seconds at most`(seed: UInt64) {
        var random = Seeded(seed)
        for milliseconds in [8, 9, 100, 999, 8000, 30_000] {
            let limit = milliseconds * 1000
            let start = Int.random(in: 0...20_000_000, using: &random)
            let punctual = found(limit, start: start, lateness: 0, &random)
            #expect(punctual >= limit)
            #expect(punctual <= limit + min(limit / 4, 2_000_000))
            // A loop that is held makes it later, never earlier.
            #expect(found(limit, start: start, lateness: 500_000, &random) >= limit)
        }
    }

    @Test func `33 · are found in the order of their limits`() {
        var sweep = sweep {
            $0.frameDeadline = .seconds(8)
            $0.writeStallDeadline = .seconds(8)
            $0.idleLimit = .seconds(8)
            $0.ageLimit = .seconds(8)
        }
        #expect(sweep.interval == .seconds(1))
        var stamps = DeadlineSweep.Stamps(frameBegan: 0, tookLast: 0, saidLast: 0, wasActive: 0, opened: 0)
        for _ in 0..<8 {
            sweep.advance()
            #expect(sweep.overdue(stamps) == nil && sweep.watches(stamps))
        }
        sweep.advance()
        #expect(sweep.overdue(stamps) == .frameTimeout)
        stamps.frameBegan = nil
        #expect(sweep.overdue(stamps) == .writeStalled)
        stamps.tookLast = sweep.tick
        #expect(sweep.overdue(stamps) == .outputFailed)
        stamps.saidLast = sweep.tick
        #expect(sweep.overdue(stamps) == .idle)
        stamps.wasActive = sweep.tick
        #expect(sweep.overdue(stamps) == .ageLimit)
        stamps.opened = sweep.tick
        #expect(sweep.overdue(stamps) == nil)
    }

    @Test func `33 · that are not set never pass, and no connection is watched for them`() {
        var sweep = sweep { _ in }
        let stamps = DeadlineSweep.Stamps(frameBegan: 0, tookLast: 0, saidLast: 0, wasActive: 0, opened: 0)
        for _ in 0..<1000 { sweep.advance() }
        #expect(sweep.overdue(stamps) == nil && !sweep.watches(stamps) && !sweep.watchesEveryone)
    }

    @Test func `33 · that are too long to be counted never pass either`() {
        let sweep = sweep {
            $0.frameDeadline = .milliseconds(1)
            $0.ageLimit = .seconds(Int64.max)
        }
        let stamps = DeadlineSweep.Stamps(frameBegan: nil, tookLast: nil, wasActive: 0, opened: 2)
        // As far apart as two ticks can be.
        #expect(sweep.tick &- stamps.opened == UInt32.max - 1)
        #expect(sweep.overdue(stamps) == nil)
    }
}
