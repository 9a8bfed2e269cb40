// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Tasks that wait, and go on where others wanted something meanwhile.
@Suite(.timeLimit(.minutes(5))) struct `Tasks that wait for an async connection` {
    /// Each task keeps its message until all have one. The messages come with one read, and on other threads the first
    /// task that hears of them has those behind its own lent.
    @Test(arguments: Place.allCases)
    func `79 · are all resumed by one read that brings a message for each`(place: Place) async throws {
        let workerCount = 4
        let held = Count()
        let (total, _) = try await Serving.run { connection in
            _ = try await connection.nextMessage()
            for number in 0..<workerCount { try connection.trySend("\(number)") }
            for try await _ in connection.messages {}
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<workerCount {
                        group.addTask(executorPreference: place.executor(for: connection)) {
                            guard try await connection.nextMessage() != nil else { return 0 }
                            held.add()
                            #expect(await eventually { held.value == workerCount })
                            return 1
                        }
                    }
                    while unsafe connection.state.receivers.count < workerCount { await Task.yield() }
                    try await connection.send("go")
                    return try await group.reduce(0, +)
                }
            }
        }
        #expect(total == workerCount)
    }

    /// An actor without an executor of its own runs on the thread of whoever came first. A task that goes on in it may
    /// thus leave the reactor's thread; under ThreadSanitizer, this test fails if it then uses the connection.
    @Test(arguments: [false, true])
    func `go on wherever the actor is on which they live`(isByBatches: Bool) async throws {
        let count = 300
        let (shared, done) = (Shared(), Count())
        let touching = (0..<2).map { _ in
            Task(executorPreference: OtherThreads.shared) {
                // Until the end, but not so often that the threads are kept from other tests.
                for _ in 0..<2_000 where done.value == 0 {
                    await shared.touch()
                    await Task.yield()
                }
            }
        }
        let (echoed, _) = try await Serving.run { connection in
            if isByBatches { try await shared.echoBatches(of: connection) } else { try await shared.echo(connection) }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                var echoed: [String] = []
                for number in 0..<count {
                    try await connection.send("\(number)")
                    echoed.append(try await connection.nextMessage().flatMap { String(copying: $0) } ?? "")
                }
                return echoed
            }
        }
        done.add()
        for task in touching { await task.value }
        #expect(echoed == (0..<count).map { "\($0)" })
    }

    private actor Shared {
        private var touchCount = 0

        func touch() { touchCount += 1 }

        func echo(_ connection: AsyncPipeConnection) async throws {
            for try await message in connection.messages { try await connection.send(message) }
        }

        func echoBatches(of connection: AsyncPipeConnection) async throws {
            var messages: [PipeMessage] = []
            while try await connection.nextBatch({ messages.append(PipeMessage(copying: $0)) }) {
                for message in messages { try await connection.send(message) }
                messages = []
            }
        }
    }
}
