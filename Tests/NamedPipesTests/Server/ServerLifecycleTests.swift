// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `A server's lifecycle` {
    private let start = SuspendingClock.now

    private func beginStopping(_ lifecycle: inout ServerLifecycle) -> Bool {
        lifecycle.beginStopping(ShutdownAccount(at: start, ServerCounts(), pendingMessageCount: 2))
    }

    @Test func `stops once, with a report of what ended after it was told to`() {
        var lifecycle = ServerLifecycle()
        // Before the stop, so not part of the report.
        lifecycle.connectionEnded(.closedByPeer, unsent: 5, hasPartlySent: true)
        lifecycle.force(5)
        #expect(lifecycle.isServing && lifecycle.report == nil)
        let begins = [beginStopping(&lifecycle), beginStopping(&lifecycle)]
        #expect(begins == [true, false])
        #expect(lifecycle.isStopping && lifecycle.report == nil)
        lifecycle.force(1)
        lifecycle.connectionEnded(.serverStopped, unsent: 1, hasPartlySent: false)
        lifecycle.connectionEnded(.closedByPeer, unsent: 0, hasPartlySent: false)
        lifecycle.finish(at: start + .seconds(3), ServerCounts())
        #expect(lifecycle.isStopped && !lifecycle.isStopping)
        let report = lifecycle.report
        #expect(report?.endedCounts == [.serverStopped: 1, .closedByPeer: 1])
        #expect(report?.forcedCount == 1 && report?.unsentMessageCount == 1 && report?.sentMessageCount == 1)
        #expect(report?.duration == .seconds(3))
        let beginsAgain = beginStopping(&lifecycle)
        #expect(!beginsAgain)
        lifecycle.force(1)
        #expect(lifecycle.report == report)
    }

    @Test func `counts the grace that ends first`() {
        var lifecycle = ServerLifecycle()
        _ = beginStopping(&lifecycle)
        let limits = [3, 5, 3, 2, 4].map { lifecycle.limitGrace(to: start + .seconds($0)) }
        #expect(limits == [true, false, false, true, false])
    }

    @Test func `may begin its grace before it stops, and end it after`() {
        var lifecycle = ServerLifecycle()
        let isLimited = lifecycle.limitGrace(to: start)
        #expect(isLimited && lifecycle.isServing && lifecycle.canStopGracefully)
        _ = beginStopping(&lifecycle)
        lifecycle.finish(at: start, ServerCounts())
        #expect(lifecycle.isStopped && !lifecycle.isGraceOver && lifecycle.canStopGracefully)
        let ends = [lifecycle.endGrace(), lifecycle.endGrace()]
        #expect(ends == [true, false])
        #expect(lifecycle.isGraceOver && !lifecycle.canStopGracefully)
    }

    @Test func `gives no more time once a grace is over`() {
        var lifecycle = ServerLifecycle()
        _ = beginStopping(&lifecycle)
        _ = lifecycle.limitGrace(to: start)
        _ = lifecycle.endGrace()
        lifecycle.forgetGrace()
        let isLimited = lifecycle.limitGrace(to: start + .seconds(1))
        #expect(!isLimited && lifecycle.isGraceOver)
    }

    @Test func `can be hurried only while it has a grace`() {
        var lifecycle = ServerLifecycle()
        #expect(lifecycle.canStopGracefully)
        _ = beginStopping(&lifecycle)
        #expect(!lifecycle.canStopGracefully)
        _ = lifecycle.limitGrace(to: start)
        #expect(lifecycle.canStopGracefully)
        lifecycle.forgetGrace()
        #expect(!lifecycle.canStopGracefully && !lifecycle.isGraceOver)
    }
}
