// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Tasks that send on one async connection` {
    /// What a server has read, where all messages are short.
    private final class Log: Sendable {
        private let list = Mutex<[String]>([])

        func add(_ message: PipeMessage) {
            if let text = String(copying: message) { list.withLock { $0.append(text) } }
        }

        var texts: [String] { list.withLock { $0 } }
    }

    /// Connects to a server that reads once the gate is open, and fills the queue.
    private static func whileFull(
        _ configuration: PipeClient.Configuration = PipeClient.Configuration(),
        _ body:
            @escaping @Sendable (AsyncPipeConnection, Gate, _ sent: @escaping @Sendable () -> [String]) async throws ->
            Void
    ) async throws {
        let (gate, log) = (Gate(), Log())
        _ = try await Serving.run { connection in
            await gate.pass()
            for try await message in connection.messages where message.byteCount < 100 { log.add(message) }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, configuration: configuration) { connection in
                let filler = [UInt8](repeating: 65, count: 50_000)
                while try await connection.send(filler) == .accepted {}
                try await body(connection, gate) { log.texts }
            }
        }
    }

    @Test func `79 · send in the order in which they came, and late ones behind them`() async throws {
        let count = 50
        try await Self.whileFull { connection, gate, received in
            let order = Count()
            var tasks: [Task<Void, any Error>] = []
            for number in 0..<count {
                tasks.append(
                    Task(executorPreference: connection.executor) {
                        order.add()
                        try await connection.send("early \(number)")
                    })
                #expect(await eventually { order.value == number + 1 })
            }
            // Runs as soon as there is room, on the reactor itself: before any of the tasks runs.
            tasks.append(
                Task(executorPreference: connection.executor) {
                    let mark = PipeConnection.Configuration().lowWaterMark
                    while await connection.pendingByteCount > mark { await Task.yield() }
                    try await connection.send("late")
                })
            gate.open()
            for task in tasks { try await task.value }
            #expect(await eventually { received().count == count + 1 })
            #expect(received() == (0..<count).map { "early \($0)" } + ["late"])
        }
    }

    @Test func `79 · go on where those before them are cancelled`() async throws {
        try await Self.whileFull { connection, gate, received in
            let order = Count()
            var tasks: [Task<Void, any Error>] = []
            for number in 0..<30 {
                let place = number % 2 == 0 ? Place.reactor : .elsewhere
                tasks.append(
                    Task(executorPreference: place.executor(for: connection)) {
                        order.add()
                        try await connection.send("\(number)")
                    })
                #expect(await eventually { order.value == number + 1 })
            }
            for number in 0..<30 where number % 3 != 1 { tasks[number].cancel() }
            var sent: [Int] = []
            for number in 0..<30 where number % 3 != 1 {
                // At once, with the gate shut.
                await #expect(throws: CancellationError.self) { try await tasks[number].value }
            }
            gate.open()
            for number in 0..<30 where number % 3 == 1 {
                try await tasks[number].value
                sent.append(number)
            }
            #expect(await eventually { received().count == sent.count })
            #expect(Set(received()) == Set(sent.map { "\($0)" }))
        }
    }

    /// A peer that has shut its reading down, and goes on sending.
    @Test func `68 · hear at once that it takes nothing any more, and its messages go on`() async throws {
        let (waits, texts) = (Gate(), Count())
        _ = try await Serving.run { connection in
            let senders = Place.allCases.map { place in
                Task(executorPreference: place.executor(for: connection)) {
                    await #expect(throws: PipeError.notConnected(.ended)) {
                        while true {
                            let verdict = try await connection.send([UInt8](repeating: 1, count: 100_000))
                            if verdict == .acceptedAboveHighWaterMark { waits.open() }
                        }
                    }
                }
            }
            for sender in senders { _ = await sender.value }
            for try await message in connection.messages where message.byteCount == 2 { texts.add() }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            await waits.pass()
            peer.finishReading()
            // Room for the next write, which fails.
            peer.readAll()
            peer.writeAll([0, 0, 0, 2, 65, 66])
            #expect(await eventually { texts.value == 1 })
            peer.close()
        }
        #expect(texts.value == 1)
    }
}
