// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `A budget of bytes, with async handlers` {
    /// The ways in which a handler takes its messages.
    enum Taking: CaseIterable {
        case messages, batches, elsewhere

        func echo(_ connection: AsyncPipeConnection) async throws {
            switch self {
            case .messages:
                for try await message in connection.messages { try await connection.send(message) }
            case .batches:
                while try await connection.nextBatch({ message in try connection.trySend(message) }) {}
            case .elsewhere:
                try await Task.detached(executorPreference: OtherThreads.shared) {
                    for try await message in connection.messages { try await connection.send(message) }
                }.value
            }
        }
    }

    @Test(arguments: [0, 100]) func `95 · is charged for messages that wait, and no more are received without room`(
        size: Int
    ) async throws {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = 64 << 10
        let received = Count()
        let gate = Gate()
        _ = try await Serving.run(configuration) { connection in
            for try await message in connection.messages {
                if received.value == 0 { await gate.pass() }
                if message.byteCount == size { received.add() }
            }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            peer.writeAll(frame([UInt8](repeating: 9, count: size)))
            let count = 5000
            var rest = (1..<count).flatMap { _ in frame([UInt8](repeating: 9, count: size)) }[...]
            #expect(
                await eventually {
                    rest = rest.dropFirst(max(0, peer.write(rest)))
                    return await heldByteCount(of: serving) >= 56 << 10
                })
            #expect(await heldByteCount(of: serving) <= 69 << 10)
            gate.open()
            #expect(
                await eventually {
                    rest = rest.dropFirst(max(0, peer.write(rest)))
                    return received.value == count
                })
            #expect(!serving.events.texts.contains { $0.hasPrefix("disconnected") })
        }
    }

    @Test(arguments: Taking.allCases) func `95 · that has no room at all serves small messages of a slow handler`(
        taking: Taking
    ) async throws {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = 0
        let gate = Gate()
        // Few enough that the socket takes all answers, even one at a time.
        let sizes = (0..<60).map { $0 % 7 == 0 ? 1500 : 100 }
        _ = try await Serving.run(configuration) { connection in
            await gate.pass()
            try await taking.echo(connection)
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            let messages = sizes.map { [UInt8](repeating: UInt8($0 % 251), count: $0) }
            peer.writeAll(messages.flatMap { frame($0) })
            // As many as it may hold: they wait for the handler, and the connection is not ended for them.
            #expect(await eventually { await heldByteCount(of: serving) > 0 })
            gate.open()
            #expect(
                await eventually {
                    peer.receive()
                    return peer.frames.count == messages.count || peer.isAtEnd
                })
            #expect(peer.frames.map(\.count) == sizes)
            #expect(peer.frames == messages)
            #expect(!serving.events.texts.contains { $0.hasPrefix("disconnected") })
            #expect(await eventually { await heldByteCount(of: serving) == 0 })
        }
    }

    @Test func `95 · that unread messages use up ends their connection, and not the one that needs room`() async throws
    {
        var configuration = PipeServer.Configuration()
        configuration.byteBudget = 2 << 20
        configuration.connection.unreadByteLimit = 8 << 20
        let gate = Gate()
        let (reasons, _) = try await Serving.run(configuration) { connection in
            for try await message in connection.messages {
                if message.byteCount == 1000 { await gate.pass() }
                try await connection.send(message)
            }
        } while: { serving in
            let hoarder = try RawPeer(connectingTo: serving.address)
            let hoard = (0..<3000).flatMap { _ in frame([UInt8](repeating: 1, count: 1000)) }
            var rest = hoard[...]
            #expect(
                await eventually {
                    rest = rest.dropFirst(max(0, hoarder.write(rest.prefix(50_000))))
                    return await heldByteCount(of: serving) > 1_600_000
                })
            let bystander = try RawPeer(connectingTo: serving.address)
            let message = [UInt8](repeating: 2, count: 400_000)
            var question = frame(message)[...]
            #expect(
                await eventually {
                    question = question.dropFirst(max(0, bystander.write(question)))
                    bystander.receive()
                    return bystander.frames == [message] || bystander.isAtEnd
                })
            #expect(bystander.frames == [message])
            gate.open()
            #expect(await eventually { serving.events.texts.contains("disconnected budgetExceeded") })
            return serving.events.texts
        }
        #expect(reasons.filter { $0.hasPrefix("disconnected") } == ["disconnected budgetExceeded"])
    }

    private func heldByteCount(of serving: Serving) async -> Int {
        await withCheckedContinuation { answer in
            serving.server.perform { answer.resume(returning: $0.statistics.heldByteCount) }
        }
    }
}

extension RawPeer {
    /// Reads what is there.
    fileprivate func receive() { while let count = read(), count > 0 {} }
}
