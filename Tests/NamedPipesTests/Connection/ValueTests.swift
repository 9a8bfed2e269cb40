// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A connection's lifecycle` {
    private func expect(
        _ action: ConnectionLifecycle.Action, _ expected: ConnectionLifecycle.Action,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(action == expected, sourceLocation: location)
    }

    @Test func `begins open, receiving and sending`() {
        var lifecycle = ConnectionLifecycle()
        #expect(lifecycle.state == .open)
        #expect(lifecycle.isReceiving && lifecycle.canSend && lifecycle.canWrite && lifecycle.output == .open)
        expect(lifecycle.queueIsEmpty(), .nothing)
    }

    @Test func `still sends after the peer has finished`() {
        var lifecycle = ConnectionLifecycle()
        lifecycle.peerDidFinish()
        #expect(lifecycle.state == .finished)
        #expect(!lifecycle.isReceiving && lifecycle.canSend && lifecycle.canWrite)
        expect(lifecycle.close(), .flush)
        #expect(lifecycle.state == .closing)
    }

    @Test func `flushes before it closes, and takes no more messages`() {
        var lifecycle = ConnectionLifecycle()
        expect(lifecycle.close(), .flush)
        #expect(!lifecycle.isReceiving && !lifecycle.canSend && lifecycle.canWrite)
        expect(lifecycle.close(), .nothing)
        #expect(lifecycle.state == .closing)
        expect(lifecycle.queueIsEmpty(), .close)
    }

    @Test func `44 finishes its output once the queue is out, and goes on receiving`() {
        var lifecycle = ConnectionLifecycle()
        expect(lifecycle.finishSending(), .flush)
        #expect(lifecycle.isReceiving && !lifecycle.canSend && lifecycle.canWrite)
        expect(lifecycle.finishSending(), .nothing)
        expect(lifecycle.queueIsEmpty(), .shutDownOutput)
        #expect(lifecycle.isReceiving && !lifecycle.canSend && !lifecycle.canWrite)
        expect(lifecycle.queueIsEmpty(), .nothing)
        lifecycle.peerDidFinish()
        expect(lifecycle.finishSending(), .nothing)
        expect(lifecycle.close(), .flush)
        expect(lifecycle.queueIsEmpty(), .close)
    }

    @Test func `41 goes on receiving when its output has failed`() {
        var lifecycle = ConnectionLifecycle()
        expect(lifecycle.outputDidFail(), .abandonOutput)
        #expect(lifecycle.isReceiving && !lifecycle.canSend && !lifecycle.canWrite)
        expect(lifecycle.outputDidFail(), .nothing)
        expect(lifecycle.finishSending(), .nothing)
        expect(lifecycle.queueIsEmpty(), .nothing)
        expect(lifecycle.close(), .close)
    }

    @Test func `closes at once when the output fails and nothing more can arrive`() {
        var finished = ConnectionLifecycle()
        finished.peerDidFinish()
        expect(finished.outputDidFail(), .close)
        var closing = ConnectionLifecycle()
        _ = closing.close()
        expect(closing.outputDidFail(), .close)
    }

    @Test func `ends once, from every state`() {
        let ways: [(inout ConnectionLifecycle) -> Void] = [
            { _ in }, { $0.peerDidFinish() }, { _ = $0.close() }, { _ = $0.outputDidFail() },
        ]
        for way in ways {
            var lifecycle = ConnectionLifecycle()
            way(&lifecycle)
            let ends = [lifecycle.end(), lifecycle.end()]
            #expect(ends == [true, false])
            #expect(lifecycle.state == .closed)
            #expect(!lifecycle.isReceiving && !lifecycle.canSend && !lifecycle.canWrite)
            expect(lifecycle.close(), .nothing)
            expect(lifecycle.outputDidFail(), .nothing)
            expect(lifecycle.queueIsEmpty(), .nothing)
            #expect(lifecycle.state == .closed)
        }
    }

    @Test func `is on the fast path only while no end is wanted`() {
        let ways: [(inout ConnectionLifecycle) -> Void] = [
            { $0.peerDidFinish() }, { _ = $0.close() }, { _ = $0.outputDidFail() }, { _ = $0.finishSending() },
            { $0.shutDown() }, { _ = $0.end() },
        ]
        #expect(ConnectionLifecycle().isOpenBothWays)
        for way in ways {
            var lifecycle = ConnectionLifecycle()
            way(&lifecycle)
            #expect(!lifecycle.isOpenBothWays && lifecycle.problem == nil)
        }
    }

    @Test func `remembers the end of the input, also where it closes`() {
        var finished = ConnectionLifecycle()
        finished.peerDidFinish()
        #expect(finished.hasInputEnded)
        var closing = ConnectionLifecycle()
        _ = closing.close()
        #expect(!closing.hasInputEnded)
        closing.inputDidEndWhileClosing()
        #expect(closing.hasInputEnded && closing.problem == nil)
    }

    @Test func `shuts down until the owner takes over`() {
        var lifecycle = ConnectionLifecycle()
        lifecycle.shutDown()
        #expect(lifecycle.isShuttingDown && lifecycle.isReceiving && lifecycle.canSend)
        lifecycle.leaveClosingToOwner()
        #expect(!lifecycle.isShuttingDown && lifecycle.isOpenBothWays)
    }

    @Test func `reports a failed output once, unless it has ended meanwhile`() {
        var lifecycle = ConnectionLifecycle()
        _ = lifecycle.outputDidFail()
        let tellings = [lifecycle.takeOutputFailure(), lifecycle.takeOutputFailure()]
        #expect(tellings == [true, false])
        var ended = ConnectionLifecycle()
        _ = ended.outputDidFail()
        _ = ended.end()
        let isTold = ended.takeOutputFailure()
        #expect(!isTold)
    }

    @Test func `ends for the last reason that was decided, and reports it once`() {
        var lifecycle = ConnectionLifecycle()
        _ = lifecycle.close()
        lifecycle.decide(byPeer: true)
        #expect(lifecycle.endsByPeer)
        _ = lifecycle.end()
        lifecycle.decide(byPeer: false)
        #expect(!lifecycle.endsByPeer && !lifecycle.isReported)
        lifecycle.report()
        #expect(lifecycle.isReported && lifecycle.problem == nil)
    }

    @Test func `has no reason before its end, and no report`() async {
        await #expect(processExitsWith: .failure) {
            var lifecycle = ConnectionLifecycle()
            lifecycle.decide(byPeer: true)
        }
        await #expect(processExitsWith: .failure) {
            var lifecycle = ConnectionLifecycle()
            _ = lifecycle.close()
            lifecycle.report()
        }
        await #expect(processExitsWith: .failure) {
            var lifecycle = ConnectionLifecycle()
            _ = lifecycle.end()
            lifecycle.report()
            lifecycle.report()
        }
    }
}

@Suite struct `A send queue` {
    private let framing = LengthPrefixFraming()

    private func fill(_ queue: inout SendQueue, _ sizes: [Int]) throws {
        for size in sizes {
            try framing.encode(pattern(size).span, into: &queue.bytes)
            queue.messageCount += 1
        }
    }

    /// Frames of 14, 4, 104 and 24 bytes, written up to `cut` in steps of `step`: at every place, the queue's knowledge
    /// is right.
    @Test(arguments: [1, 2, 3, 5, 14, 18, 100, 146]) func `knows where a cut frame began`(step: Int) throws {
        let sizes = [10, 0, 100, 20]
        var ends: [Int] = []
        for size in sizes { ends.append((ends.last ?? 0) + size + 4) }
        var queue = SendQueue()
        try fill(&queue, sizes)
        var written = 0
        while written < 146 {
            let count = min(step, 146 - written)
            if count == queue.byteCount { queue.clear() } else { queue.didWrite(count, framing) }
            written += count
            let nextEnd = ends.first { $0 > written } ?? written
            let isCut = written != 0 && !ends.contains(written)
            #expect(queue.startedByteCount == (isCut ? nextEnd - written : 0))
            #expect(queue.unsentMessageCount == ends.count { $0 > written } - (isCut ? 1 : 0))
            #expect(queue.byteCount == 146 - written)
        }
    }

    @Test func `moves to another only frames of which nothing was written`() throws {
        var queue = SendQueue()
        try fill(&queue, [10, 20, 30])
        queue.didWrite(5, framing)
        var kept = SendQueue()
        kept.append(unsentFramesOf: queue)
        #expect(kept.byteCount == 24 + 34)
        #expect(kept.startedByteCount == 0)
        #expect(kept.unsentMessageCount == 2)
    }

    @Test func `is like new after it was cleared`() throws {
        var queue = SendQueue()
        try fill(&queue, [10, 20])
        queue.didWrite(5, framing)
        queue.clear()
        #expect(queue.byteCount == 0 && queue.startedByteCount == 0)
        #expect(queue.unsentMessageCount == 0)
        #expect(queue.bytes.capacity > 0)
    }

    @Test func `is unchanged by a write of nothing`() throws {
        var queue = SendQueue()
        try fill(&queue, [10, 20])
        queue.didWrite(3, framing)
        queue.didWrite(0, framing)
        #expect(queue.startedByteCount == 11)
        #expect(queue.unsentMessageCount == 1)
    }
}
