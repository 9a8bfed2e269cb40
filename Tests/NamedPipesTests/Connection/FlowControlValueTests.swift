// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `A connection's flow control` {
    @Test func `begins with delivering, and with no drain to report`() {
        var flow = FlowControl()
        #expect(!flow.isPaused && !flow.isStarved && !flow.isAboveHighWaterMark && flow.problem == nil)
        let isDue = flow.takeDrain()
        #expect(!isDue)
    }

    @Test func `delivers only when none of its three reasons to pause is left`() {
        let ways: [(pause: (inout FlowControl) -> Void, resume: (inout FlowControl) -> Void)] = [
            ({ $0.pause() }, { $0.resume() }),
            ({ $0.starve() }, { $0.feed() }),
            ({ $0.rise(pausingReceiving: true) }, { $0.fall() }),
        ]
        for first in 0..<3 {
            var flow = FlowControl()
            for way in ways { way.pause(&flow) }
            #expect(flow.isPaused && flow.problem == nil)
            for place in first..<first + 3 {
                #expect(flow.isPaused)
                ways[place % 3].resume(&flow)
            }
            #expect(!flow.isPaused && flow.problem == nil)
        }
    }

    @Test func `pauses and resumes as often as asked`() {
        var flow = FlowControl()
        flow.pause()
        flow.pause()
        #expect(flow.isPaused)
        flow.resume()
        flow.resume()
        #expect(flow == FlowControl())
    }

    @Test func `reports one drain for each time that the queue was above its mark`() {
        var flow = FlowControl()
        flow.rise(pausingReceiving: false)
        flow.rise(pausingReceiving: false)
        #expect(flow.isAboveHighWaterMark && !flow.isPaused)
        var isDue = flow.takeDrain()
        #expect(!isDue)
        flow.fall()
        #expect(!flow.isAboveHighWaterMark)
        isDue = flow.takeDrain()
        #expect(isDue)
        isDue = flow.takeDrain()
        #expect(!isDue)
    }

    @Test func `reports only the last drain, when the queue rose again before the report`() {
        var flow = FlowControl()
        flow.rise(pausingReceiving: true)
        flow.fall()
        flow.rise(pausingReceiving: true)
        let isDue = flow.takeDrain()
        #expect(!isDue && flow.isAboveHighWaterMark && flow.problem == nil)
    }

    @Test func `receives again below the high-water mark, and reports the drain at the low one`() {
        var flow = FlowControl()
        flow.rise(pausingReceiving: true)
        #expect(flow.isPaused)
        var goesOn = flow.resumeBelowHighWaterMark()
        #expect(goesOn && !flow.isPaused && flow.isAboveHighWaterMark)
        goesOn = flow.resumeBelowHighWaterMark()
        #expect(!goesOn)
        flow.fall()
        #expect(flow.owesDrain)
    }

    @Test func `reports nothing, and waits for nothing but its owner, once the output has failed`() {
        var flow = FlowControl()
        flow.rise(pausingReceiving: true)
        flow.outputDidFail()
        #expect(flow == FlowControl())
        flow.rise(pausingReceiving: true)
        flow.fall()
        flow.pause()
        flow.outputDidFail()
        #expect(flow.isPaused && !flow.owesDrain)
    }

    @Test func `reports no drain of a queue that was never above its mark`() async {
        await #expect(processExitsWith: .failure) {
            var flow = FlowControl()
            flow.fall()
        }
    }
}

extension FlowControl {
    /// Whether a drain is due, asked of a copy.
    fileprivate var owesDrain: Bool {
        var copy = self
        return copy.takeDrain()
    }
}
