// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Sending` {
    private static func configuration(
        high: Int = 1 << 20, low: Int = 256 << 10, limit: Int = 32 << 20, closeTimeout: Duration = .seconds(10)
    ) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.connection.highWaterMark = high
        configuration.connection.lowWaterMark = low
        configuration.connection.sendQueueLimit = limit
        configuration.connection.closeTimeout = closeTimeout
        return configuration
    }

    /// Fills the kernel's buffer until it takes no more, so that every further byte stays in the queue.
    private func fillKernel(_ connection: PipeConnection, _ loop: Loop) throws {
        while connection.pendingByteCount == 0 {
            try connection.send(pattern(4096))
            loop.settle()
        }
    }

    /// Short messages are copied in another way than the rest. Several bursts, so that there are queues with and
    /// without room.
    @Test func `takes every size, from every kind of memory`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let bytes = pattern(400)
            var sent: [[UInt8]] = []
            for start in 0..<5 {
                for size in (0...300).shuffled() {
                    try connection.send(bytes.span.extracting(start..<(start + size)))
                    sent.append(Array(bytes[start..<(start + size)]))
                }
                let count = sent.reduce(0) { $0 + $1.count + 4 }
                try #require(raw.peer.receive(count, loop))
            }
            #expect(raw.peer.frames == sent)
        }
    }

    @Test func `writes a whole burst at once`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            for number in 0..<100 { try connection.send("message \(number)") }
            #expect(connection.pendingByteCount > 0)
            raw.peer.read()
            #expect(raw.peer.received.isEmpty)
            loop.settle()
            raw.peer.readAll()
            #expect(raw.peer.texts == (0..<100).map { "message \($0)" })
            // A stream socket keeps the bytes of one write in buffers of up to 32 KiB: one read, one buffer, one write.
            #expect(raw.peer.readSizes.count == 1)
            #expect(connection.pendingByteCount == 0)
        }
    }

    @Test func `inside a callback is written once, after it`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            var pending: [Int] = []
            raw.recorder.whenReceived = { connection, bytes in
                _ = try? connection.send(bytes)
                pending.append(connection.pendingByteCount)
            }
            raw.peer.writeAll(frame("1") + frame("2") + frame("3"))
            try #require(loop.run { raw.recorder.messageCount == 3 })
            raw.peer.readAll()
            #expect(pending == [5, 10, 15])
            #expect(raw.peer.texts == ["1", "2", "3"])
        }
    }

    @Test func `reports when the queue rises above the high-water mark, and once when there is room again`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(high: 1_000_000, low: 100_000))
            let connection = try raw.accepted
            try fillKernel(connection, loop)
            for crossing in 1...3 {
                var verdicts: [PipeConnection.SendVerdict] = []
                while connection.pendingByteCount <= 2_000_000 { verdicts.append(try connection.send(pattern(20_000))) }
                // The first message that takes the queue above the mark reports it, and so do all behind it.
                let first = try #require(verdicts.firstIndex(of: .acceptedAboveHighWaterMark))
                #expect(verdicts[first...].allSatisfy { $0 == .acceptedAboveHighWaterMark })
                #expect(first < verdicts.count - 5)
                loop.settle()
                #expect(raw.recorder.drainCount == crossing - 1)
                var pending: Int?
                raw.recorder.whenDrained = { pending = $0.pendingByteCount }
                try #require(
                    loop.poll {
                        raw.peer.read(atMost: 50_000)
                        return raw.recorder.drainCount == crossing
                    })
                #expect(try #require(pending) <= 100_000)
                try #require(
                    loop.run {
                        raw.peer.readAll()
                        return connection.pendingByteCount == 0
                    })
                loop.settle()
                #expect(raw.recorder.drainCount == crossing)
                try fillKernel(connection, loop)
            }
        }
    }

    @Test func `exactly at the high-water mark is not above it`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(high: 50_000))
            let connection = try raw.accepted
            try fillKernel(connection, loop)
            let room = 50_000 - connection.pendingByteCount - 4
            #expect(try connection.send(pattern(room)) == .accepted)
            #expect(connection.pendingByteCount == 50_000)
            #expect(try connection.send("") == .acceptedAboveHighWaterMark)
        }
    }

    @Test func `38 stops at the limit, typed, and queues nothing of a refused message`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(limit: 100_000))
            let connection = try raw.accepted
            try fillKernel(connection, loop)
            var sent = raw.peer.frames.count
            while true {
                do throws(PipeError) { try connection.send(pattern(996)) } catch {
                    #expect(error == .sendQueueFull(limit: 100_000))
                    break
                }
                sent += 1
            }
            let pending = connection.pendingByteCount
            #expect((99_000...100_004).contains(pending))
            #expect(throws: PipeError.sendQueueFull(limit: 100_000)) { try connection.send(pattern(50_000)) }
            #expect(connection.pendingByteCount == pending)
            #expect(connection.isOpen)
            loop.settle()
            #expect(connection.pendingByteCount == pending)
            try #require(
                loop.run {
                    raw.peer.readAll()
                    return connection.pendingByteCount == 0
                })
            raw.peer.readAll()
            #expect(raw.peer.frames.count { $0.count == 996 } == sent)
        }
    }

    @Test func `with an empty queue takes any message that the framing allows`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(limit: 1000))
            try raw.accepted.send(pattern(16 << 20))
            try #require(
                loop.run {
                    raw.peer.readAll()
                    return raw.peer.received.count == (16 << 20) + 4
                })
        }
    }

    @Test func `to a peer that asks and never reads is bounded, because no more questions are read`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(high: 100_000))
            let answer = pattern(10_000)
            var refusals = 0
            raw.recorder.whenReceived = { connection, _ in
                do throws(PipeError) { try connection.send(answer) } catch { refusals += 1 }
            }
            let questions = (0..<1000).flatMap { frame("question \($0)") }
            var asked = 0
            for _ in 0..<300 {
                asked += max(0, raw.peer.write(questions[(asked % questions.count)...]))
                loop.settle()
            }
            #expect(try raw.accepted.pendingByteCount < 120_000)
            #expect(refusals == 0)
            // The peer begins to read: everything is answered.
            let count = raw.recorder.messageCount
            try #require(
                loop.run {
                    raw.peer.readAll()
                    return raw.recorder.messageCount > count + 100
                })
        }
    }

    @Test func `after close, to a peer that reads nothing, ends with a reason of its own`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(closeTimeout: .milliseconds(30)))
            let connection = try raw.accepted
            try fillKernel(connection, loop)
            for _ in 0..<3 { try connection.send("left behind") }
            connection.close()
            let start = ContinuousClock.now
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(ContinuousClock.now - start >= .milliseconds(30))
            #expect(raw.recorder.reasons == [.slowReader])
            raw.peer.readAll()
            let arrived = raw.peer.frames.count
            let isCut = raw.peer.received.count != arrived * 4100
            #expect(connection.hasPartlySentMessage == isCut)
            #expect(connection.unsentMessageCount >= 3)
        }
    }

    enum Fault: CaseIterable {
        case overShare, garbage, halfFrame, stop

        var reason: DisconnectReason {
            switch self {
            case .overShare: .budgetExceeded(ExceededBudget(scope: .connection, limit: 300_000))
            case .garbage: .framing(.messageTooLarge(byteCount: 0x7fff_ffff, limit: 16 << 20))
            case .halfFrame: .truncatedByPeer(missingByteCount: nil)
            case .stop: .serverStopped
            }
        }

        func happen(_ raw: RawClient) {
            switch self {
            case .overShare: raw.peer.writeAll([0, 16, 0, 0])
            case .garbage: raw.peer.writeAll([0x7f, 0xff, 0xff, 0xff])
            case .halfFrame:
                raw.peer.writeAll([0, 0])
                raw.peer.finishWriting()
            case .stop: raw.server.stop(gracePeriod: .seconds(60))
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func `to a peer that reads nothing leaves the end its own reason, if the owner has not closed`(fault: Fault) throws
    {
        try withLoop { loop in
            var configuration = Self.configuration(closeTimeout: .milliseconds(30))
            configuration.byteBudgetPerConnection = 300_000
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            try fillKernel(connection, loop)
            try connection.send("left behind")
            fault.happen(raw)
            let start = ContinuousClock.now
            try #require(loop.run { raw.recorder.isEverythingClosed })
            // The time for them is over.
            #expect(ContinuousClock.now - start >= .milliseconds(30))
            #expect(raw.recorder.reasons == [fault.reason])
            #expect(connection.unsentMessageCount >= 1)
        }
    }

    @Test func `that is cut short counts unsent messages exactly`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, Self.configuration(high: 4 << 20))
            let connection = try raw.accepted
            // Sizes that do not divide any buffer of the kernel.
            for number in 0..<300 { try connection.send(pattern(7001, seed: number)) }
            loop.settle()
            connection.abort()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            raw.peer.readAll()
            let arrived = raw.peer.received.count / 7005
            let isCut = !raw.peer.received.count.isMultiple(of: 7005)
            #expect(arrived > 10)
            #expect(connection.hasPartlySentMessage == isCut)
            #expect(connection.unsentMessageCount == 300 - arrived - (isCut ? 1 : 0))
            #expect(raw.peer.frames == (0..<arrived).map { pattern(7001, seed: $0) })
        }
    }

    @Test func `49 from every drain, 200,000 messages long, needs no deep stack and drops nothing`() throws {
        try withLoop { loop in
            let configuration = Self.configuration(high: 0, low: 0)
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            let message = [UInt8](repeating: 1, count: 60)
            var sent = 0
            raw.recorder.whenDrained = { connection in
                // Until the kernel takes no more; then the next drain comes. A drain inside the send would end the test
                // sooner: the stack has room for some thousands.
                while sent < 200_000, (try? connection.send(message)) == .accepted { sent += 1 }
                if sent < 200_000 { sent += 1 }
            }
            while try connection.send(message) == .accepted { sent += 1 }
            sent += 1
            var read = 0
            var space = [UInt8](repeating: 0, count: 1 << 20)
            try #require(
                loop.run(whileGrowing: { read }) {
                    while true {
                        let count = unsafe recv(raw.peer.descriptor, &space, space.count, 0)
                        guard count > 0 else { break }
                        read += count
                    }
                    return sent == 200_000 && read == 12_800_000
                })
            #expect(raw.recorder.drainCount > 200)
        }
    }

    @Test func `46 to a closed peer raises no signal and leaves the disposition alone`() async {
        await #expect(processExitsWith: .success) { try sendToNobodyWithDefaultDisposition() }
    }
}

private func sendToNobodyWithDefaultDisposition() throws {
    signal(SIGPIPE, SIG_DFL)
    try withLoop { loop in
        let raw = try RawClient(loop)
        let connection = try raw.accepted
        connection.pauseReceiving()
        raw.peer.close()
        for _ in 0..<3 {
            _ = try? connection.send("to nobody")
            loop.settle()
        }
        #expect(!connection.isOpen)
    }
    var disposition = sigaction()
    unsafe sigaction(SIGPIPE, nil, &disposition)
    #expect(unsafe disposition.__sigaction_handler.sa_handler == nil)
}
