// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// An actor on the server's reactor.
private actor Tally {
    nonisolated let executor: ReactorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
    private(set) var total = 0

    init(_ executor: ReactorExecutor) { self.executor = executor }

    /// Whether the call came without leaving the thread.
    func add(_ message: PipeMessage, to connection: AsyncPipeConnection) async throws -> Bool {
        total += message.byteCount
        try await connection.send("\(total)")
        return executor.isCurrent
    }
}

@Suite struct `An async connection used elsewhere` {
    /// In batches, of which nothing is lost when the iteration stops in the middle.
    @Test func `gives messages to task after task`() async throws {
        let (numbers, _) = try await Serving.run { connection in
            for number in 0..<1000 { try await connection.send("\(number)") }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                let first = Task.detached(executorPreference: OtherThreads.shared) {
                    #expect(!connection.executor.isCurrent)
                    var texts: [String] = []
                    for try await message in connection.messages {
                        texts.append(String(copying: message) ?? "")
                        if texts.count == 10 { break }
                    }
                    return texts
                }
                var texts = try await first.value
                for try await message in connection.messages {
                    texts.append(String(copying: message) ?? "")
                    if texts.count == 500 { break }
                }
                let last = Task.detached(executorPreference: OtherThreads.shared) {
                    var texts: [String] = []
                    for try await message in connection.messages { texts.append(String(copying: message) ?? "") }
                    return texts
                }
                return texts + (try await last.value)
            }
        }
        #expect(numbers == (0..<1000).map { "\($0)" })
    }

    @Test func `sends from there, in the order of the task`() async throws {
        let (echoed, _) = try await Serving.run(handler: echo) { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await Task.detached(executorPreference: OtherThreads.shared) {
                    for number in 0..<200 { try await connection.send("\(number)") }
                    await connection.finishSending()
                }.value
                var texts: [String] = []
                for try await message in connection.messages { texts.append(String(copying: message) ?? "") }
                return texts
            }
        }
        #expect(echoed == (0..<200).map { "\($0)" })
    }

    @Test func `works with actors on its reactor`() async throws {
        let thread = try ReactorThread { _ in }
        defer {
            thread.stop()
            thread.join()
        }
        let tally = Tally(thread.executor)
        let strayed = Count()
        let (text, _) = try await Serving.run(on: thread.executor) { connection in
            for try await message in connection.messages {
                if !(try await tally.add(message, to: connection)) { strayed.add() }
                if !connection.executor.isCurrent { strayed.add() }
            }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, on: thread.executor) { connection in
                for _ in 0..<10 { try await connection.send("12345") }
                var last: PipeMessage?
                for _ in 0..<10 { last = try await connection.nextMessage() }
                return last.flatMap { String(copying: $0) }
            }
        }
        #expect(text == "50")
        #expect(strayed.value == 0)
    }

    /// Memory from the reactor's pool may be released on any thread.
    @Test func `keeps large messages beyond its reactor`() async throws {
        let size = 1 << 20
        let (kept, _) = try await Serving.run { connection in
            for number in UInt8(0)..<4 { try await connection.send([UInt8](repeating: number, count: size)) }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                var kept: [PipeMessage] = []
                for try await message in connection.messages { kept.append(message) }
                return kept
            }
        }
        #expect(kept.map { [UInt8](copying: $0) } == (UInt8(0)..<4).map { [UInt8](repeating: $0, count: size) })
    }
}
