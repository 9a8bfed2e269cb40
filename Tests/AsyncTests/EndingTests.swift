// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

private struct Mishap: Error {}

@Suite struct `The end of an async connection` {
    @Test func `is thrown, after what had arrived, where it is not a clean one`() async throws {
        let counts = Count()
        let ended = Gate()
        _ = try await Serving.run { connection in
            defer { ended.open() }
            do {
                for try await _ in connection.messages { counts.add() }
            } catch PipeError.disconnected(.truncatedByPeer(missingByteCount: 5)) {
                counts.add(100)
                // The error is thrown once.
                let following = try await connection.nextMessage()
                #expect(following == nil)
            }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            peer.writeAll([0, 0, 0, 1, 65, 0, 0, 0, 7, 66, 67])
            peer.close()
            await ended.pass()
        }
        #expect(counts.value == 101)
    }

    @Test func `of a handler that throws is reported, and leaves the others alone`() async throws {
        let (answer, _) = try await Serving.run { connection in
            for try await message in connection.messages {
                if message.byteCount == 0 { throw Mishap() }
                try await connection.send(message)
            }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { other in
                let reason = try await PipeClient.withConnection(to: serving.address) { connection in
                    try await connection.send("")
                    return try await connection.waitForEnd()
                }
                #expect(reason == .closedByPeer)
                #expect(await eventually { serving.events.failures == ["Mishap()"] })
                try await other.send("still there")
                return try await other.nextMessage().flatMap { String(copying: $0) }
            }
        }
        #expect(answer == "still there")
    }

    @Test func `comes after a handler has answered everything, when the server stops gracefully`() async throws {
        let gate = Gate()
        let (answers, report) = try await Serving.run { connection in
            await gate.pass()
            try await echo(connection)
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            for number in UInt8(0)..<100 { peer.writeAll([0, 0, 0, 1, number]) }
            // A stopping server resets the clients that it has not accepted.
            #expect(await eventually { serving.events.texts.contains("connected") })
            serving.server.perform { $0.stop(gracePeriod: .seconds(30)) }
            // The name goes first, while the handler has taken nothing yet.
            #expect(await eventually { (try? RawPeer(connectingTo: serving.address)) == nil })
            gate.open()
            #expect(
                await eventually {
                    _ = peer.read()
                    return peer.isAtEnd
                })
            return peer.received
        }
        #expect(answers == (UInt8(0)..<100).flatMap { [0, 0, 0, 1, $0] })
        _ = report
    }

    @Test func `in one direction leaves the other open`() async throws {
        let (texts, _) = try await Serving.run { connection in
            var count = 0
            for try await _ in connection.messages { count += 1 }
            try await connection.send("\(count) messages")
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                for _ in 0..<10 { try await connection.send("x") }
                await connection.finishSending()
                var texts: [String?] = []
                for try await message in connection.messages { texts.append(String(copying: message)) }
                return texts
            }
        }
        #expect(texts == ["10 messages"])
    }

    @Test func `makes send throw`() async throws {
        _ = try await Serving.run { _ in
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                let reason = try await connection.waitForEnd()
                #expect(reason == .closedByPeer)
                await #expect(throws: PipeError.disconnected(.closedByPeer)) { try await connection.send("late") }
                let message = try await connection.nextMessage()
                #expect(message == nil)
                let closed = await connection.close()
                #expect(closed == .closedByPeer)
            }
        }
    }

    @Test func `before an answer leaves the client's call with the likely causes`() async throws {
        var configuration = PipeServer.Configuration()
        configuration.accessPolicy = .users([1 << 30])
        _ = try await Serving.run(configuration) { _ in
        } while: { serving in
            let error = await #expect(throws: PipeError.self) {
                try await PipeClient.withConnection(to: serving.address) { connection in
                    _ = try await connection.waitForEnd()
                    try await connection.send("late")
                }
            }
            guard case .closedUnanswered(.closedByPeer, let unanswered) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(unanswered.causes == [.refusal])
        }
    }

    @Test func `that never opened is a typed error`() async throws {
        let address = try PipeAddress.unique(prefix: "absent")
        await #expect(throws: PipeError.noServer(address)) { try await PipeClient.withConnection(to: address) { _ in } }
        _ = try await Serving.run(handler: echo) { serving in
            let error = await #expect(throws: PipeError.self) {
                try await PipeServer.serve(at: serving.address) { _ in }
            }
            guard case .addressInUse = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
