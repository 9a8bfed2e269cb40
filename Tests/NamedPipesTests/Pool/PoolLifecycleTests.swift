// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `The lifecycle of a pool` {
    private let start = SuspendingClock.now

    private func serving(_ count: Int = 2) -> PoolLifecycle {
        var lifecycle = PoolLifecycle(workerCount: count)
        lifecycle.didStart()
        return lifecycle
    }

    @Test func `stops the acceptor first, then the workers, and adds their reports up`() {
        var lifecycle = serving()
        let end = start + .seconds(5)
        #expect(lifecycle.requestStop(until: end) == .stopAcceptor)
        #expect(lifecycle.acceptorDidStop(handOverEnd: start) == .stopWorkers(until: end))
        var report = ShutdownReport()
        report.deliveredMessageCount = 1
        report.sentMessageCount = 2
        report.unsentMessageCount = 3
        report.displacedMessageCount = 4
        report.partlySentMessageCount = 5
        report.endedCounts = [.serverStopped: 6]
        report.forcedCount = 7
        report.totals.receivedMessageCount = 8
        report.duration = .seconds(2)
        #expect(lifecycle.workerDidStop(report) == false)
        #expect(lifecycle.finalReport == nil)
        report.duration = .seconds(1)
        report.endedCounts = [.serverStopped: 1, .closedByPeer: 1]
        #expect(lifecycle.workerDidStop(report) == true)
        let sum = lifecycle.finalReport
        #expect(sum?.deliveredMessageCount == 2 && sum?.sentMessageCount == 4 && sum?.unsentMessageCount == 6)
        #expect(sum?.displacedMessageCount == 8 && sum?.partlySentMessageCount == 10 && sum?.forcedCount == 14)
        #expect(sum?.endedCounts == [.serverStopped: 7, .closedByPeer: 1])
        #expect(sum?.totals.receivedMessageCount == 16)
        #expect(sum?.duration == .seconds(2))
    }

    @Test func `of several ends takes the earliest, before and after the acceptor has stopped`() {
        var lifecycle = serving()
        _ = lifecycle.requestStop(until: start + .seconds(5))
        #expect(lifecycle.requestStop(until: start + .seconds(9)) == .nothing)
        #expect(lifecycle.requestStop(until: start + .seconds(4)) == .nothing)
        #expect(lifecycle.acceptorDidStop(handOverEnd: start) == .stopWorkers(until: start + .seconds(4)))
        #expect(lifecycle.requestStop(until: start + .seconds(4)) == .nothing)
        #expect(lifecycle.requestStop(until: start) == .stopWorkers(until: start))
        #expect(lifecycle.requestStop(until: start + .seconds(1)) == .nothing)
        #expect(lifecycle.acceptorDidStop(handOverEnd: start) == .nothing)
    }

    @Test func `stops the workers when a successor has the name`() {
        var lifecycle = serving()
        let end = start + .seconds(3)
        #expect(lifecycle.acceptorDidStop(handOverEnd: end) == .stopWorkers(until: end))
        #expect(lifecycle.requestStop(until: end + .seconds(1)) == .nothing)
    }

    @Test func `does nothing before the start, and nothing after the end`() {
        var lifecycle = PoolLifecycle(workerCount: 1)
        #expect(lifecycle.requestStop(until: start) == .nothing)
        #expect(lifecycle.acceptorDidStop(handOverEnd: start) == .nothing)
        var failed = lifecycle
        #expect(failed.workerDidStop(ShutdownReport()) == false && failed.finalReport == nil)
        lifecycle.didStart()
        #expect(lifecycle.workerDidStop(ShutdownReport()) == true)
        #expect(lifecycle.requestStop(until: start) == .nothing)
        #expect(lifecycle.acceptorDidStop(handOverEnd: start) == .nothing)
    }
}
