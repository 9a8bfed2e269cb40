// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A message to all connections of a pool` {
    /// Reads until each client has as many messages; the last one of each.
    private func last(_ clients: [RawPeer], _ count: Int) -> [String]? {
        let areThere = eventually {
            for client in clients { client.readAll() }
            return clients.allSatisfy { $0.frames.count >= count }
        }
        return areThere ? clients.map { $0.texts.last ?? "" } : nil
    }

    private func clients(of echo: EchoPool, _ count: Int = 8) throws -> [RawPeer] {
        let clients = try (0..<count).map { _ in try RawPeer(connectingTo: echo.pool.address) }
        try #require(eventually { echo.log.now.ids.count == count })
        return clients
    }

    @Test func `reaches those of every worker, and says how many took it`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 3)
        let clients = try clients(of: echo)
        let outcome = try await echo.pool.broadcast("news")
        #expect(outcome.acceptedCount == 8 && outcome.refusals.isEmpty)
        #expect(last(clients, 1) == Array(repeating: "news", count: 8))
        let chosen = Set(echo.log.now.ids.prefix(3))
        let bytes = Array("some".utf8)
        #expect(try await echo.pool.broadcast(bytes, where: { chosen.contains($0.id) }).acceptedCount == 3)
        await echo.pool.stop()
    }

    @Test func `is refused as a whole if the framing cannot carry it`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 2) {
            $0.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 10)
        }
        let clients = try clients(of: echo, 2)
        await #expect(throws: PipeError.self) { try await echo.pool.broadcast("more than ten bytes") }
        #expect(throws: PipeError.self) { try echo.pool.postBroadcast("more than ten bytes") }
        #expect(try await echo.pool.broadcast("short").acceptedCount == 2)
        #expect(last(clients, 1) == ["short", "short"])
        await echo.pool.stop()
    }

    @Test func `says who refused it, of all workers`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 2) {
            $0.connection.sendQueueLimit = 100_000
            $0.connection.slowReaderPolicy = .refuse
        }
        let clients = try clients(of: echo, 4)
        var accepted = 0
        var refused: Set<PipeConnection.ID> = []
        let message = [UInt8](repeating: 1, count: 50_000)
        while refused.count < 4 {
            let outcome = try await echo.pool.broadcast(message)
            #expect(outcome.acceptedCount + outcome.refusals.count == 4)
            accepted += outcome.acceptedCount
            refused.formUnion(outcome.refusals.keys)
        }
        #expect(refused == Set(echo.log.now.ids))
        #expect(await echo.pool.statistics().takenMessageCount == accepted)
        await echo.pool.stop()
        withExtendedLifetime(clients) {}
    }

    @Test func `of a group reaches its members at every worker, but not the author`() async throws {
        let log = PoolLog { connection, text in
            switch text {
            case "join": try? connection.join("news")
            case let text where text.hasPrefix("tell "):
                try? connection.server?.pool?.post(text, to: "news", except: connection.id)
            default: break
            }
        }
        let echo = try EchoPool(at: .unique(), reactors: 3, log: log)
        let clients = try clients(of: echo)
        for client in clients[..<5] { client.writeAll(frame("join")) }
        #expect(await eventually { await echo.pool.memberCount(of: "news") == 5 })
        #expect(try await echo.pool.publish("for members", to: "news").acceptedCount == 5)
        #expect(last(Array(clients[..<5]), 2) == Array(repeating: "for members", count: 5))
        clients[0].writeAll(frame("tell others"))
        #expect(last(Array(clients[1..<5]), 3) == Array(repeating: "tell others", count: 4))
        #expect(last([clients[0]], 3) == ["tell others"])
        await echo.pool.stop()
        for client in clients[5...] { client.readAll() }
        #expect(clients[5...].allSatisfy { $0.frames.isEmpty })
        #expect(clients[0].frames.count == 3, "the echo alone")
    }

    @Test func `arrives in the framing of each connection, also of those that have been upgraded`() async throws {
        let log = PoolLog { connection, text in
            try? connection.join("news")
            guard text == "lines" else { return }
            var configuration = connection.configuration
            configuration.framing = DelimiterFraming.newline
            do throws(PipeError) { try connection.upgrade(to: configuration) } catch { Issue.record(error) }
        }
        let echo = try EchoPool(at: .unique(), reactors: 2, log: log)
        let clients = try clients(of: echo)
        // Four of them; each worker has two of those and two others, because equal workers take turns.
        let upgraded = clients.indices.filter { $0 / 2 % 2 == 0 }
        for (index, client) in clients.enumerated() {
            client.writeAll(frame(upgraded.contains(index) ? "lines" : "frames"))
        }
        #expect(eventually { log.now.texts.count == 8 })
        #expect(try await echo.pool.broadcast("to all").acceptedCount == 8)
        #expect(try await echo.pool.publish("to members", to: "news").acceptedCount == 8)
        // A message that one of the framings cannot carry.
        let outcome = try await echo.pool.broadcast("two\nlines")
        #expect(outcome.acceptedCount == 4 && outcome.refusals.count == 4)
        #expect(outcome.refusals.values.allSatisfy { if case .framing = $0 { true } else { false } })
        #expect(try await echo.pool.broadcast("end").acceptedCount == 8)
        let lines = Array("lines\nto all\nto members\nend\n".utf8)
        let frames = ["frames", "to all", "to members", "two\nlines", "end"].flatMap { frame($0) }
        for (index, client) in clients.enumerated() {
            let expected = upgraded.contains(index) ? lines : frames
            let isThere = eventually {
                client.readAll()
                return client.received.count >= expected.count
            }
            #expect(isThere && client.received == expected)
        }
        await echo.pool.stop()
    }

    @Test func `arrives in the order in which one thread sends, with senders between`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 2)
        let clients = try clients(of: echo, 4)
        for number in 0..<200 { try echo.pool.postBroadcast("\(number)") }
        #expect(last(clients, 200) != nil)
        for client in clients { #expect(client.texts == (0..<200).map(String.init)) }
        await echo.pool.stop()
    }
}

@Suite struct `The numbers of a pool` {
    @Test func `are those of its workers, and their sum`() async throws {
        let echo = try EchoPool(at: .unique(), reactors: 2) { $0.maximumConnectionCount = 6 }
        let clients = try (0..<8).map { _ in try RawPeer(connectingTo: echo.pool.address) }
        // Two of them are refused, and may be closed already.
        for client in clients { client.write(frame("hello")) }
        #expect(eventually { echo.log.now.texts.count == 6 && echo.log.refusedCount == 2 })
        let numbers = await echo.pool.statistics()
        #expect(numbers.workers.map(\.openCount) == [3, 3])
        #expect(numbers.openCount == 6 && numbers.acceptedCount == 6 && numbers.receivedMessageCount == 6)
        #expect(numbers.refusedCounts == [.connectionLimit: 2])
        #expect(numbers.workers.allSatisfy { $0.refusedCount == 0 })
        await echo.pool.stop()
        withExtendedLifetime(clients) {}
    }

    @Test func `include held bytes, for which all workers have one budget`() async throws {
        let limit = 20 << 20
        let echo = try EchoPool(at: .unique(), reactors: 2) {
            $0.byteBudget = limit
            $0.byteBudgetPerConnection = limit
            $0.connection.framing = LengthPrefixFraming(maximumMessageByteCount: 64 << 20)
        }
        let clients = try (0..<2).map { _ in try RawPeer(connectingTo: echo.pool.address) }
        // Each has begun a message of 15 MiB, which has no room beside the other's.
        let part = [UInt8](repeating: 7, count: 1 << 20)
        for client in clients { client.writeAll([0, 0xF0, 0, 0]) }
        var most = 0
        #expect(
            await eventually {
                for client in clients where client.readErrors.isEmpty && !client.isAtEnd {
                    _ = client.write(part, flags: 0x4000)
                    client.readAll()
                }
                most = max(most, await echo.pool.statistics().heldByteCount)
                return !echo.log.now.reasons.isEmpty
            })
        #expect(most <= limit && most > limit / 2)
        let reasons = echo.log.now.reasons
        #expect(reasons.allSatisfy { if case .budgetExceeded = $0 { true } else { false } }, "\(reasons)")
        await echo.pool.stop()
    }
}
