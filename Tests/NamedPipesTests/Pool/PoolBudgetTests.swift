// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A budget of bytes that the workers of a pool share` {
    private static let limit = 8 << 20

    private func pool(at address: PipeAddress, reactors: ReactorCount) throws -> EchoPool {
        try EchoPool(at: address, reactors: reactors, log: PoolLog(echoes: false)) {
            $0.byteBudget = Self.limit
            $0.byteBudgetPerConnection = Self.limit
            $0.connection.framing = LengthPrefixFraming(maximumMessageByteCount: Self.limit)
        }
    }

    @Test func `ends the largest holder alone, however late the other workers learn that it is used up`() throws {
        try withLoop { loop in
            let echo = try pool(at: loop.address, reactors: 4)
            let budget = echo.pool.budget
            let clients = try loop.rawClients(4)
            for client in clients { client.writeAll(frame("hello")) }
            try #require(loop.poll { echo.log.now.texts.count == 4 })
            #expect(echo.live == [1, 1, 1, 1])
            // One message takes all that may be asked for.
            let room = Self.limit - ByteLedger(sharing: budget).reserve
            var hoard = frame([UInt8](repeating: 7, count: room - 4)).dropLast()
            try #require(
                loop.poll {
                    hoard = hoard.dropFirst(max(0, clients[0].write(hoard.prefix(1 << 20))))
                    return budget.byteCount >= room
                })
            // The other workers have not heard of it, and read as much as ever, all at once.
            let message = frame(letters(220_000))
            var rests = clients[1...].map { (client: $0, bytes: message[...]) }
            var most = 0
            try #require(
                loop.poll {
                    for index in rests.indices where !rests[index].bytes.isEmpty {
                        let written = rests[index].client.write(rests[index].bytes)
                        rests[index].bytes = rests[index].bytes.dropFirst(max(0, written))
                    }
                    most = max(most, budget.byteCount)
                    return echo.log.now.texts.count { $0 == "220000" } == 3
                })
            // If one of them had to wait, it was the holder that left.
            let reasons = echo.log.now.reasons
            #expect(reasons.count <= 1 && reasons.allSatisfy { $0.kind == .budgetExceeded }, "\(reasons)")
            for client in clients[1...] { client.writeAll(frame("still")) }
            try #require(loop.poll { echo.log.now.texts.count { $0 == "5" } == 7 })
            #expect(most <= Self.limit + 4 * ByteLedger.floor)
        }
    }

    /// A server that shares a budget with the ledger of another thread.
    private func server(_ loop: Loop, _ budget: SharedByteBudget) throws -> (RawPeer, Recorder) {
        let recorder = loop.recorder()
        let server = PipeServer(
            loop.address, PipeServer.Configuration(), loop.reactor, recorder, .noSocket, ByteLedger(sharing: budget))
        server.register()
        let (adoptable, peer) = try RawPeer.pair()
        server.adopt(try AcceptedConnection(adopting: duplicate(adoptable.descriptor)))
        adoptable.close()
        try #require(loop.run { recorder.openCount == 1 })
        return (peer, recorder)
    }

    @Test func `is waited for by a connection whose room is taken between its question and its charge`() throws {
        try withLoop { loop in
            let budget = SharedByteBudget(limit: Self.limit, limitPerUser: nil, ledgerCount: 2)
            let (peer, recorder) = try server(loop, budget)
            let bytes = frame(letters(1 << 20))
            peer.writeAll(bytes[..<100_000])
            let connection = try #require(recorder.connections.first)
            try #require(loop.run { connection.reassembly?.byteCount == 100_000 })
            let carried = try #require(connection.reassembly)
            let (charge, capacity) = (carried.charge.byteCount, carried.memory.bytes.capacity)
            let answer = connection.mostToHold(instead: charge)
            #expect(answer >= 1_000_000)

            let other = ByteLedger(sharing: budget)
            let holder = Holder(7)
            #expect(holder.grow(to: other.room(ofUser: 7), other))
            #expect(connection.makeRoom(for: 900_000, behind: carried, atMost: answer) == nil)
            #expect(connection.isStarved && connection.isOpen && recorder.reasons.isEmpty)
            #expect(carried.charge.byteCount == charge && carried.memory.bytes.capacity == capacity)
            #expect(budget.byteCount == charge + holder.charge.byteCount)

            holder.charge.release()
            connection.lookForRoom()
            var rest = bytes[100_000...]
            try #require(
                loop.poll {
                    if !rest.isEmpty { rest = rest.dropFirst(max(0, peer.write(rest))) }
                    return recorder.messageCount == 1
                })
            #expect(recorder.messages == [letters(1 << 20)] && recorder.reasons.isEmpty)
            #expect(budget.byteCount == 0)
        }
    }

    @Test func `has room for what was read before the thread knew that it is used up`() throws {
        try withLoop { loop in
            let budget = SharedByteBudget(limit: Self.limit, limitPerUser: nil, ledgerCount: 2)
            let (peer, recorder) = try server(loop, budget)
            let other = ByteLedger(sharing: budget)
            let (waiting, queued) = (Holder(7), Holder(.queued, 7))
            #expect(waiting.grow(to: other.room(ofUser: 7), other))
            #expect(queued.adjust(to: other.reserve - other.readReserve, other) == nil)
            let bytes = frame(letters(150_000))
            peer.writeAll(bytes.dropLast())
            let connection = try #require(recorder.connections.first)
            try #require(loop.run { connection.reassembly?.byteCount == bytes.count - 1 })
            #expect(budget.byteCount <= Self.limit && connection.isOpen)
            #expect(budget.byteCount > Self.limit - other.readReserve)
            waiting.charge.release()
            peer.writeAll(bytes.suffix(1))
            try #require(loop.run { recorder.messageCount == 1 })
            #expect(recorder.messages == [letters(150_000)] && recorder.reasons.isEmpty)
        }
    }

    @Test func `is kept to when all workers race for it, and costs no message of a connection that stays`() throws {
        try withLoop { loop in
            let echo = try pool(at: loop.address, reactors: 4)
            let budget = echo.pool.budget
            let clients = try loop.rawClients(16)
            // Together they ask for more than there is.
            let messages = (0..<3).flatMap { _ in frame(letters(1 << 20)) } + frame("last")
            var rests = clients.map { _ in messages[...] }
            let answers = ["1048576", "1048576", "1048576", "4"]
            var most = 0
            try #require(
                loop.poll {
                    for (index, client) in clients.enumerated() {
                        client.readAll()
                        guard !rests[index].isEmpty, !client.isAtEnd, client.readErrors.isEmpty else { continue }
                        rests[index] = rests[index].dropFirst(max(0, client.write(rests[index].prefix(100_000))))
                    }
                    most = max(most, budget.byteCount)
                    return clients.allSatisfy { $0.texts == answers || loop.sawEnd(of: $0) }
                })
            #expect(most <= Self.limit + 16 * ByteLedger.floor)
            let stayedCount = clients.count { $0.texts == answers }
            #expect(stayedCount > 0)
            try #require(loop.poll { echo.log.now.reasons.count == 16 - stayedCount })
            let reasons = echo.log.now.reasons
            #expect(reasons.allSatisfy { $0.kind == .budgetExceeded }, "\(reasons)")
            for client in clients { client.close() }
            try #require(loop.poll { echo.pool.connectionCount == 0 })
            echo.end()
            #expect(budget.byteCount == 0 && budget.rememberedUserCount == 0)
        }
    }
}
