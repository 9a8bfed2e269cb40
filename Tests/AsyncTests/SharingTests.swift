// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// Where the tasks of a test run.
enum Place: CaseIterable, Sendable {
    case reactor, elsewhere

    func executor(for connection: AsyncPipeConnection) -> any TaskExecutor {
        self == .reactor ? connection.executor : OtherThreads.shared
    }
}

@Suite(.timeLimit(.minutes(5))) struct `Tasks that share an async connection` {
    /// Each task keeps its message until all have one, which takes several threads.
    @Test(arguments: Place.allCases)
    func `79 · get one message each, where as many wait as there are messages`(place: Place) async throws {
        let workerCount = 4
        let held = Count()
        let (total, _) = try await Serving.run { connection in
            for number in 0..<workerCount { try await connection.send("\(number)") }
            for try await _ in connection.messages {}
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<workerCount {
                        group.addTask(executorPreference: place.executor(for: connection)) {
                            for try await _ in connection.messages {
                                held.add()
                                #expect(await eventually { held.value == workerCount })
                                return 1
                            }
                            return 0
                        }
                    }
                    return try await group.reduce(0, +)
                }
            }
        }
        #expect(total == workerCount)
    }

    @Test(arguments: Place.allCases, [1, 4, 17])
    func `79 · all see the end, and each message goes to one of them`(place: Place, workerCount: Int) async throws {
        let messageCount = 40
        let (texts, _) = try await Serving.run { connection in
            for number in 0..<messageCount { try await connection.send("\(number)") }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await withThrowingTaskGroup(of: [String].self) { group in
                    for _ in 0..<workerCount {
                        group.addTask(executorPreference: place.executor(for: connection)) {
                            var texts: [String] = []
                            for try await message in connection.messages {
                                texts.append(String(copying: message) ?? "")
                                await Task.yield()
                            }
                            return texts
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
        }
        #expect(texts.count == messageCount)
        #expect(Set(texts) == Set((0..<messageCount).map { "\($0)" }))
    }

    /// A header, then its body.
    @Test(arguments: Place.allCases)
    func `79 · take the next message in the middle of an iteration`(place: Place) async throws {
        let (pairs, _) = try await Serving.run { connection in
            for number in 0..<50 {
                try await connection.send("header \(number)")
                try await connection.send("body \(number)")
                if number % 3 == 0 { await Task.yield() }
            }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await Task(executorPreference: place.executor(for: connection)) {
                    var pairs: [String] = []
                    for try await header in connection.messages {
                        let body = try await connection.nextMessage()
                        pairs.append(
                            "\(String(copying: header) ?? "-"), \(body.flatMap { String(copying: $0) } ?? "-")")
                    }
                    return pairs
                }.value
            }
        }
        #expect(pairs == (0..<50).map { "header \($0), body \($0)" })
    }

    @Test func `79 · hear of close at once, although the peer reads nothing`() async throws {
        var configuration = PipeClient.Configuration()
        configuration.connection.closeTimeout = .seconds(10_000)
        configuration.connection.writeStallDeadline = nil
        let gate = Gate()
        _ = try await Serving.run { connection in
            await gate.pass()
            throw CancellationError()
        } while: { [configuration] serving in
            try? await PipeClient.withConnection(to: serving.address, configuration: configuration) { connection in
                let ended = Count()
                let sender = Task(executorPreference: connection.executor) {
                    // Until it waits for room, for ever.
                    await #expect(throws: PipeError.notConnected(.finished)) {
                        while true { try await connection.send([UInt8](repeating: 1, count: 100_000)) }
                    }
                    ended.add()
                }
                let receivers = Place.allCases.map { place in
                    Task(executorPreference: place.executor(for: connection)) {
                        for try await _ in connection.messages {}
                        ended.add()
                    }
                }
                let mark = PipeConnection.Configuration().highWaterMark
                #expect(await eventually { await connection.pendingByteCount > mark })
                let closing = Task { await connection.close() }
                await sender.value
                for receiver in receivers { try await receiver.value }
                #expect(ended.value == 3)
                await connection.abort()
                _ = await closing.value
            }
            gate.open()
        }
    }

    @Test func `79 · keep the user's context of the connection apart from the library's own`() async throws {
        final class Mark: Sendable {}
        nonisolated(unsafe) weak var left: Mark?
        let (text, _) = try await Serving.run { connection in
            await connection.withConnection { $0.context = Mark() }
            try await echo(connection)
            #expect(await connection.withConnection { $0.context is Mark })
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                await connection.withConnection { below in
                    let mark = Mark()
                    unsafe left = mark
                    below.context = mark
                }
                try await connection.send("still async")
                return try await connection.nextMessage().flatMap { String(copying: $0) }
            }
        }
        #expect(text == "still async")
        // Released with the end, like any context.
        #expect(unsafe left == nil)
    }
}
