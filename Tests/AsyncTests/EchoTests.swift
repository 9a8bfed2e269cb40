// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `An async echo` {
    @Test func `answers a client on the same reactor's thread, and elsewhere`() async throws {
        let (answers, _) = try await Serving.run(handler: echo) { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.send("hello")
                try await connection.send([UInt8](repeating: 7, count: 3))
                let first = try await connection.nextMessage()
                let second = try await connection.nextMessage()
                return [first, second].map { $0.map { [UInt8](copying: $0) } }
            }
        }
        #expect(answers == [Array("hello".utf8), [7, 7, 7]])
    }

    @Test(arguments: [0, 1, 64, 5_000, 16 << 10, 100_000, 3 << 20])
    func `keeps order and content, many in flight`(size: Int) async throws {
        let count = size > 1 << 20 ? 8 : 200
        let (mismatchCount, _) = try await Serving.run(handler: echo) { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for number in 0..<count {
                            try await connection.send(
                                [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size))
                        }
                        await connection.finishSending()
                    }
                    var number = 0
                    var mismatches = 0
                    for try await message in connection.messages {
                        let expected = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
                        if [UInt8](copying: message) != expected { mismatches += 1 }
                        number += 1
                    }
                    try await group.waitForAll()
                    return mismatches + abs(count - number)
                }
            }
        }
        #expect(mismatchCount == 0)
    }

    /// An iterator without a loop, passed from function to function on the executor of each caller.
    @Test func `gives its messages one by one, across functions`() async throws {
        typealias Iterator = AsyncPipeConnection.Messages.Iterator
        @Sendable nonisolated(nonsending) func text(_ messages: inout Iterator) async throws -> String? {
            try await messages.next().flatMap { String(copying: $0) }
        }
        let texts = try await Serving.run { connection in
            var messages = connection.messages.makeAsyncIterator()
            let (name, greeting) = (try await text(&messages), try await text(&messages))
            try await connection.send("\(greeting ?? "-"), \(name ?? "-")")
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.send("Ada")
                try await connection.send("hello")
                var messages = connection.messages.makeAsyncIterator()
                return [try await text(&messages), try await text(&messages)]
            }
        }
        #expect(texts.0 == ["hello, Ada", nil])
    }

    @Test func `serves many clients at once`() async throws {
        let (sum, _) = try await Serving.run(handler: echo) { serving in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for client in 0..<50 {
                    group.addTask {
                        try await PipeClient.withConnection(to: serving.address) { connection in
                            var count = 0
                            for number in 0..<20 {
                                let text = "\(client) \(number)"
                                try await connection.send(text)
                                let answer = try await connection.nextMessage()
                                if answer.flatMap({ String(copying: $0) }) == text { count += 1 }
                            }
                            return count
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
        }
        #expect(sum == 1000)
    }
}
