// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `A sender` {
    @Test func `carries messages from other threads, those of each thread in order`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sender = try raw.accepted.sender
            let threads = try (0..<4).map { _ in try ReactorThread { _ in } }
            for (number, thread) in threads.enumerated() {
                thread.executor.post { _ in
                    for count in 0..<1000 { sender.post(Array("\(number) \(count)".utf8)) }
                }
            }
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return raw.peer.frames.count == 4000
                })
            let texts = raw.peer.texts
            for number in 0..<4 {
                #expect(texts.filter { $0.hasPrefix("\(number) ") } == (0..<1000).map { "\(number) \($0)" })
            }
            #expect(sender.droppedMessageCount == 0)
            threads.forEach {
                $0.stop()
                $0.join()
            }
        }
    }

    @Test func `wakes a loop that waits`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sender = try raw.accepted.sender
            let thread = try ReactorThread { reactor in
                reactor.schedule(after: .milliseconds(20)) { sender.post([1, 2, 3]) }
            }
            try #require(
                loop.run {
                    raw.peer.readAll()
                    return raw.peer.frames == [[1, 2, 3]]
                })
            thread.stop()
            thread.join()
        }
    }

    @Test func `drops and counts messages after the end, and refused ones`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let sender = connection.sender
            let another = connection.sender
            sender.post([UInt8](repeating: 0, count: (16 << 20) + 1))
            loop.settle()
            #expect(sender.droppedMessageCount == 1)
            connection.abort()
            for _ in 0..<10 { sender.post([1]) }
            for _ in 0..<5 { another.post([1]) }
            loop.settle()
            #expect(sender.droppedMessageCount == 16)
            #expect(another.droppedMessageCount == 16)
            #expect(sender.connectionID == connection.id)
            raw.peer.readAll()
            #expect(raw.peer.received.isEmpty)
        }
    }

    @Test func `carries spans, texts and kept messages, and publishes to a group`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let other = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            for connection in raw.recorder.connections { try connection.join("all") }
            let sender = try raw.accepted.sender
            let kept = PipeMessage(copying: Array("kept".utf8))
            let thread = try ReactorThread { _ in }
            thread.executor.post { _ in
                sender.post(Array("span".utf8).span)
                sender.post("text")
                sender.post(kept)
                sender.post(kept, to: "all", except: sender.connectionID)
                sender.post(PipeMessage(copying: [UInt8](repeating: 0, count: (16 << 20) + 1)), to: "all")
                sender.post("last")
            }
            try #require(
                loop.run {
                    raw.peer.readAll()
                    other.readAll()
                    return raw.peer.texts.last == "last"
                })
            #expect(raw.peer.texts == ["span", "text", "kept", "last"])
            #expect(other.texts == ["kept"])
            #expect(sender.droppedMessageCount == 1)
            thread.stop()
            thread.join()
        }
    }

    @Test func `never sends on a later connection that has its place`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let sender = try raw.accepted.sender
            raw.peer.close()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            let later = try RawPeer(connectingTo: loop.address)
            try #require(loop.run { raw.recorder.openCount == 2 })
            sender.post([1])
            loop.settle()
            later.readAll()
            #expect(later.received.isEmpty)
            #expect(sender.droppedMessageCount == 1)
        }
    }

    /// The answers to tasks on another thread.
    private final class Verdicts: Sendable {
        let all = Mutex<[Result<PipeConnection.SendVerdict, PipeError>]>([])
        var count: Int { all.withLock { $0.count } }
    }

    @Test func `reports to a task what became of its message`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 500_000
            configuration.connection.sendQueueLimit = 1_000_000
            let raw = try RawClient(loop, configuration)
            let sender = try raw.accepted.sender
            let verdicts = Verdicts()
            let thread = try ReactorThread { _ in }
            let ask = { @Sendable (byteCount: Int) in
                let message = [UInt8](repeating: 0, count: byteCount)
                Task.detached(executorPreference: thread.executor) {
                    let verdict: Result<PipeConnection.SendVerdict, PipeError>
                    do throws(PipeError) {
                        verdict = .success(try await sender.send(message))
                    } catch {
                        verdict = .failure(error)
                    }
                    verdicts.all.withLock { $0.append(verdict) }
                }
            }
            let expected: [(Int, Result<PipeConnection.SendVerdict, PipeError>)] = [
                (1000, .success(.accepted)), (900_000, .success(.acceptedAboveHighWaterMark)),
                (900_000, .failure(.sendQueueFull(limit: 1_000_000))),
                // The error that will never go away comes first.
                ((16 << 20) + 1, .failure(.messageTooLarge(byteCount: (16 << 20) + 1, limit: 16 << 20))),
            ]
            for (index, (byteCount, _)) in expected.enumerated() {
                ask(byteCount)
                try #require(loop.poll { verdicts.count == index + 1 })
            }
            try raw.accepted.abort()
            ask(1)
            try #require(loop.poll { verdicts.count == 5 })
            verdicts.all.withLock { all in
                #expect(all == expected.map(\.1) + [.failure(.notConnected(.ended))])
            }
            // A send whose answer is awaited is answered, not counted.
            #expect(sender.droppedMessageCount == 0)
            thread.stop()
            thread.join()
        }
    }

    @Test func `whose reactor is gone says so`() async throws {
        let sender: PipeSender
        let reference: ReactorReference<PipeServer>
        do {
            let loop = try Loop()
            let raw = try RawClient(loop)
            sender = try raw.accepted.sender
            reference = raw.server.reference
            #expect(loop.end() == [])
        }
        await #expect(throws: PipeError.notConnected(.ended)) { try await sender.send([1]) }
        sender.post([1])
        #expect(sender.droppedMessageCount == 1)
        #expect(reference.perform { _ in Issue.record("performed") } == false)
    }
}

@Suite struct `A reference` {
    @Test func `acts on its object from another thread, and on nothing when that has ended`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let (server, client) = (pair.server.reference, pair.client.reference)
            let thread = try ReactorThread { _ in }
            thread.executor.post { _ in
                client.perform { $0.disconnect() }
                server.perform { $0.stop() }
            }
            try #require(loop.run { pair.atServer.stopCount == 1 && pair.atClient.states.last == .disconnected })
            #expect(server.perform { _ in Issue.record("performed") })
            #expect(client.perform { _ in Issue.record("performed") })
            loop.settle()
            thread.stop()
            thread.join()
        }
    }
}
