// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// What a handler has received, from any thread.
private final class Log: Sendable {
    private let content = Mutex<[[String]]>([])

    /// The messages of each batch.
    var batches: [[String]] { content.withLock { $0 } }
    var texts: [String] { batches.flatMap(\.self) }

    func begin() { content.withLock { $0.append([]) } }

    func add(_ message: Span<UInt8>) {
        let text = String(copying: PipeMessage(copying: message)) ?? "?"
        content.withLock { $0[$0.count - 1].append(text) }
    }
}

@Suite(.timeLimit(.minutes(5))) struct `A batch` {
    @TaskLocal static var mark = "none"

    private struct Refusal: Error {}

    private static var configuration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        removeDeadlines(from: &configuration.connection)
        return configuration
    }

    private static var client: PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        removeDeadlines(from: &configuration.connection)
        return configuration
    }

    /// A crowded machine keeps tasks from their threads for longer than these.
    private static func removeDeadlines(from configuration: inout PipeConnection.Configuration) {
        configuration.frameDeadline = nil
        configuration.writeStallDeadline = nil
        configuration.closeTimeout = .seconds(600)
    }

    /// Calls a function with a raw client whose handler waits for its next batch.
    private func talk(
        _ handler: @escaping @Sendable (AsyncPipeConnection) async throws -> Void,
        _ body: @escaping @Sendable (RawPeer) async throws -> Void
    ) async throws -> [String] {
        let (failures, _) = try await Serving.run(Self.configuration, handler: handler) { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            // The answer leaves in the turn in which the handler waits again.
            peer.writeAll(frame("hello"))
            let isAnswered = await eventually {
                peer.readAll()
                return peer.texts == ["hello"]
            }
            #expect(isAnswered)
            try await body(peer)
            peer.close()
            #expect(await eventually { serving.events.texts.last?.hasPrefix("disconnected") == true })
            return serving.events.failures
        }
        return failures
    }

    @Test func `is what one read has brought, in the memory of the read`() async throws {
        let log = Log()
        let inPlace = Count()
        let failures = try await talk { connection in
            let buffers = unsafe connection.state.connection.endpoint.buffers
            log.begin()
            while try await connection.nextBatch({ message in
                let place = unsafe message.withUnsafeBytes { unsafe buffers.place(of: $0) }
                if case .receiveBuffer = place { inPlace.add() }
                log.add(message)
                try connection.trySend(message)
            }) { log.begin() }
        } _: { peer in
            peer.writeAll(frame("one") + frame("") + frame("three"))
            let isAnswered = await eventually {
                peer.readAll()
                return peer.texts.count == 4
            }
            #expect(isAnswered && peer.texts == ["hello", "one", "", "three"])
        }
        #expect(log.batches.first?.isEmpty != true)
        #expect(log.batches.dropFirst() == [["one", "", "three"], []])
        #expect(inPlace.value >= 3 && failures.isEmpty)
    }

    @Test func `runs in the task, with its local values`() async throws {
        let marks = Mutex<[String]>([])
        _ = try await talk { connection in
            try await Self.$mark.withValue("set") {
                while try await connection.nextBatch({ message in
                    marks.withLock { $0.append(Self.mark) }
                    try connection.trySend(message)
                }) {}
            }
        } _: { peer in
            peer.writeAll(frame("one"))
            let isAnswered = await eventually {
                peer.readAll()
                return peer.texts.count == 2
            }
            #expect(isAnswered)
        }
        #expect(marks.withLock { $0 } == ["set", "set"])
    }

    /// The function throws in the middle of what one read has brought.
    @Test func `that is left in the middle leaves the rest for the next caller`() async throws {
        let log = Log()
        let failures = try await talk { connection in
            log.begin()
            do {
                while try await connection.nextBatch({ message in
                    log.add(message)
                    if message.count == 3 { throw Refusal() }
                    try connection.trySend(message)
                }) {}
            } catch is Refusal {}
            for try await message in connection.messages {
                message.withBytes { log.add($0) }
                try await connection.send(message)
            }
        } _: { peer in
            peer.writeAll(frame("first") + frame("two") + frame("third") + frame("fourth"))
            let isAnswered = await eventually {
                peer.readAll()
                return peer.texts.count == 4
            }
            #expect(isAnswered)
        }
        #expect(log.texts == ["hello", "first", "two", "third", "fourth"])
        #expect(failures.isEmpty)
    }

    @Test func `that is left in the middle leaves the rest for the next owner`() async throws {
        let unread = Mutex<[UInt8]>([])
        let bytes = frame("second") + frame("third") + Array(frame("fourth").prefix(6))
        let failures = try await talk { connection in
            while true {
                do {
                    guard
                        try await connection.nextBatch({ message in
                            if message.count == 1 { throw Refusal() }
                            try connection.trySend(message)
                        })
                    else { return }
                } catch is Refusal {
                    let detached = try await connection.detach()
                    let left = detached.unreadBytes
                    return unread.withLock { $0 = left }
                }
            }
        } _: { peer in
            peer.writeAll(frame("1") + bytes)
            #expect(await eventually { !unread.withLock(\.isEmpty) })
        }
        #expect(unread.withLock { $0 } == bytes)
        #expect(failures.isEmpty)
    }

    @Test(arguments: Place.allCases, [0, 1, 64, 5_000, 16 << 10, 100_000, 3 << 20])
    func `keeps order and content`(place: Place, size: Int) async throws {
        let count = size > 1 << 20 ? 8 : 200
        let (mismatchCount, _) = try await Serving.run(Self.configuration) { connection in
            while try await connection.nextBatch({ try connection.trySend($0) }) {}
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, configuration: Self.client) { connection in
                let receiver = Task(executorPreference: place.executor(for: connection)) {
                    var (number, mismatchCount) = (0, 0)
                    while try await connection.nextBatch({ message in
                        if !isFilled(message, with: UInt8(truncatingIfNeeded: number), size) { mismatchCount += 1 }
                        number += 1
                    }) {}
                    return mismatchCount + abs(count - number)
                }
                for number in 0..<count {
                    try await connection.send([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size))
                }
                await connection.finishSending()
                return try await receiver.value
            }
        }
        #expect(mismatchCount == 0)
    }

    @Test(arguments: Place.allCases)
    func `holds all that has arrived since the last one`(place: Place) async throws {
        let (log, gate) = (Log(), Gate())
        let all = (0..<100).map { "\($0)" }
        _ = try await Serving.run(Self.configuration) { connection in
            try await Task(executorPreference: place.executor(for: connection)) {
                await gate.pass()
                log.begin()
                while try await connection.nextBatch({ log.add($0) }) { log.begin() }
            }.value
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            peer.writeAll(all.flatMap { frame($0) })
            let isHere = await eventually {
                await withCheckedContinuation { answer in
                    serving.server.perform { answer.resume(returning: $0.statistics.receivedMessageCount == 100) }
                }
            }
            #expect(isHere)
            gate.open()
            #expect(await eventually { log.texts.count == 100 })
            peer.close()
        }
        #expect(log.texts == all)
        if place == .reactor { #expect(log.batches.first == all) }
    }

    @Test(arguments: Place.allCases)
    func `ends its wait when its task is cancelled, and takes nothing`(place: Place) async throws {
        let (text, _) = try await Serving.run(handler: echo) { serving in
            try await PipeClient.withConnection(to: serving.address, configuration: Self.client) { connection in
                let waiting = Task(executorPreference: place.executor(for: connection)) {
                    try await connection.nextBatch { _ in }
                }
                await Task.yield()
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                try await connection.send("late")
                return try await connection.nextMessage().flatMap { String(copying: $0) }
            }
        }
        #expect(text == "late")
    }

    @Test func `is followed by false at the end, and by the reason of another one, once`() async throws {
        let told = Mutex<[String]>([])
        _ = try await Serving.run(Self.configuration) { connection in
            do {
                while try await connection.nextBatch({ _ in told.withLock { $0.append("message") } }) {}
                told.withLock { $0.append("the end") }
            } catch PipeError.disconnected(let reason) {
                let isAny = try await connection.nextBatch { _ in }
                told.withLock { $0.append("\(reason.kind), then \(isAny)") }
            }
        } while: { serving in
            let whole = try RawPeer(connectingTo: serving.address)
            whole.writeAll(frame("hello"))
            whole.finishWriting()
            #expect(await eventually { told.withLock { $0.count == 2 } })
            let truncated = try RawPeer(connectingTo: serving.address)
            truncated.writeAll(frame("hello") + [0, 0, 0, 9])
            truncated.finishWriting()
            #expect(await eventually { told.withLock { $0.count == 4 } })
        }
        #expect(
            told.withLock { $0 }
                == ["message", "the end", "message", "\(DisconnectReason.Kind.truncatedByPeer), then false"])
    }

    /// A client that reads nothing: the connection stops reading, so that its queue stays bounded.
    @Test func `stops coming while its answers are not read`() async throws {
        let received = Count()
        _ = try await Serving.run(Self.configuration) { connection in
            while try await connection.nextBatch({ message in
                received.add()
                try connection.trySend(message)
            }) {}
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            let message = frame([UInt8](repeating: 7, count: 1000))
            var sentCount = 0
            // Until nothing is taken, although the server has had turns in which it could have read.
            let isStuck = await eventually {
                while case let count = peer.write(message), count > 0 { sentCount += count }
                let before = received.value
                for _ in 0..<20 {
                    await withCheckedContinuation { turn in serving.server.perform { _ in turn.resume() } }
                }
                let more = peer.write(message)
                sentCount += max(0, more)
                return more <= 0 && received.value == before
            }
            #expect(isStuck)
            let queued = await withCheckedContinuation { answer in
                serving.server.perform { answer.resume(returning: $0.statistics.queuedByteCount) }
            }
            let mark = PipeConnection.Configuration().highWaterMark
            #expect(queued > 0 && queued < 3 * mark)
            let count = sentCount / message.count
            let isAnswered = await eventually {
                peer.readAll()
                return peer.received.count >= count * message.count
            }
            #expect(isAnswered && received.value == count)
            peer.close()
        }
    }

    /// One that waits for a message, and one that waits for a batch, by turns.
    @Test(arguments: Place.allCases)
    func `comes to the task that waits first`(place: Place) async throws {
        let count = 400
        let log = Log()
        log.begin()
        _ = try await Serving.run(Self.configuration) { connection in
            for number in 0..<count {
                try await connection.send("\(number)")
                if number % 7 == 0 { await Task.yield() }
            }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, configuration: Self.client) { connection in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for takesBatches in [true, false, true] {
                        group.addTask(executorPreference: place.executor(for: connection)) {
                            if takesBatches {
                                while try await connection.nextBatch({ log.add($0) }) {
                                    await Task.yield()
                                }
                            } else {
                                for try await message in connection.messages {
                                    message.withBytes { log.add($0) }
                                    await Task.yield()
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        #expect(log.texts.compactMap { Int($0) }.sorted() == Array(0..<count))
    }

    @Test(arguments: [false, true])
    func `brings the descriptors of its messages, or closes them`(takesDescriptors: Bool) async throws {
        var server = Self.configuration
        server.connection.framing = DescriptorFraming()
        server.connection.descriptors = .accepted(perMessage: 2, perConnection: 4)
        let counts = Mutex<[Int]>([])
        _ = try await Serving.run(server) { connection in
            func note(_ count: Int) { counts.withLock { $0.append(count) } }
            if takesDescriptors {
                while try await connection.nextBatch(withDescriptors: { message, descriptors in
                    note(descriptors.count)
                    while descriptors.takeFirst() != nil {}
                    try connection.trySend(message)
                }) {}
            } else {
                while try await connection.nextBatch({ message in
                    note(0)
                    try connection.trySend(message)
                }) {}
            }
        } while: { serving in
            var client = Self.client
            client.connection.framing = DescriptorFraming()
            try await PipeClient.withConnection(to: serving.address, configuration: client) { connection in
                let file = try NamelessFile("file")
                // More than may be in flight at a time, so that they have to be released.
                for number in 0..<12 {
                    var outgoing = OutgoingDescriptors()
                    for _ in 0..<(number % 3) { try outgoing.append(duplicating: file.descriptor) }
                    try await connection.send([UInt8(number)], descriptors: &outgoing)
                }
                for number in 0..<12 {
                    let reply = try #require(try await connection.nextMessage())
                    #expect([UInt8](copying: reply) == [UInt8(number)])
                }
            }
        }
        #expect(counts.withLock { $0 } == (0..<12).map { takesDescriptors ? $0 % 3 : 0 })
    }

    @Test func `is answered on the reactor's thread only`() async {
        await #expect(processExitsWith: .failure) {
            _ = try await Serving.run { connection in
                try await Task.detached(executorPreference: OtherThreads.shared) {
                    _ = try await connection.nextBatch { try connection.trySend($0) }
                }.value
            } while: { serving in
                try await PipeClient.withConnection(to: serving.address, configuration: Self.client) { connection in
                    try await connection.send("hello")
                    _ = try await connection.waitForEnd()
                }
            }
        }
    }
}

/// Compared as a whole: byte by byte, it takes minutes under ThreadSanitizer.
private func isFilled(_ message: Span<UInt8>, with byte: UInt8, _ size: Int) -> Bool {
    guard message.count == size else { return false }
    let expected = [UInt8](repeating: byte, count: size)
    return unsafe message.withUnsafeBytes { bytes in
        unsafe expected.withUnsafeBytes { expected in
            guard let left = bytes.baseAddress, let right = expected.baseAddress else { return size == 0 }
            return unsafe memcmp(left, right, size) == 0
        }
    }
}
