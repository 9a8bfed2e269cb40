// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `A worker's inbox` {
    private let start = SuspendingClock.now

    @Test func `wakes the worker once until it has taken everything, in order and in portions`() {
        var inbox = WorkerInbox<Int>()
        #expect(inbox.add([1, 2], at: start) == true)
        #expect(inbox.add([3], at: start) == false)
        #expect(inbox.removeFirst(2, at: start) == ([1, 2], true))
        #expect(inbox.add([4], at: start) == false)
        #expect(inbox.removeFirst(2, at: start) == ([3, 4], false))
        #expect(inbox.add([5], at: start) == true)
    }

    @Test func `notices a worker that does not come in time, until it comes`() {
        var inbox = WorkerInbox<Int>()
        #expect(!inbox.isHeld(at: start + .seconds(100)) && !inbox.isExpected)
        _ = inbox.add([1], at: start)
        #expect(inbox.isExpected)
        _ = inbox.add([2], at: start + .milliseconds(90))
        #expect(!inbox.isHeld(at: start + .milliseconds(99)))
        #expect(inbox.isHeld(at: start + .milliseconds(100)))
        #expect(inbox.takeBack() == [1, 2])
        #expect(inbox.isHeld(at: start + .milliseconds(101)) && inbox.isExpected)
        #expect(inbox.removeFirst(2, at: start + .milliseconds(500)) == ([], false))
        #expect(!inbox.isHeld(at: start + .seconds(100)) && !inbox.isExpected)
    }

    @Test func `does not count a worker as held that takes one portion after the other`() {
        var inbox = WorkerInbox<Int>()
        _ = inbox.add([1, 2, 3], at: start)
        _ = inbox.removeFirst(1, at: start + .milliseconds(90))
        #expect(!inbox.isHeld(at: start + .milliseconds(180)))
        #expect(inbox.isHeld(at: start + .milliseconds(190)))
    }

    @Test func `takes nothing after its end`() {
        var inbox = WorkerInbox<Int>()
        _ = inbox.add([1], at: start)
        #expect(inbox.close() == [1])
        #expect(inbox.add([2], at: start) == false)
        #expect(inbox.removeFirst(9, at: start) == ([], false))
    }
}
