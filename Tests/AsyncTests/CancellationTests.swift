// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Cancelling an async` {
    @Test func `wait for a message ends it, and the message goes to the next task that waits`() async throws {
        let (texts, _) = try await Serving.run(handler: echo) { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                let waiting = Task { try await connection.nextMessage() }
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                try await connection.send("late")
                return try await connection.nextMessage().flatMap { String(copying: $0) }
            }
        }
        #expect(texts == "late")
    }

    @Test func `server ends its connections and its handlers`() async throws {
        let ended = Count()
        let began = Gate()
        let (reason, _) = try await Serving.run { connection in
            defer { ended.add() }
            began.open()
            for try await _ in connection.messages {}
        } while: { serving in
            // On another reactor, so that it outlives the server.
            let (ends, end) = AsyncStream.makeStream(of: DisconnectReason?.self)
            Task.detached {
                let reason = try? await PipeClient.withConnection(to: serving.address) { try await $0.waitForEnd() }
                end.yield(reason)
                end.finish()
            }
            await began.pass()
            return ends
        }
        #expect(ended.value == 1)
        #expect(await reason.first { _ in true } == .some(.closedByPeer))
    }

    /// Rather than an end of the messages, or the reason for which the connection then ends.
    @Test(arguments: HandlerWait.allCases)
    func `server throws a CancellationError in a handler that waits`(_ wait: HandlerWait) async throws {
        let recorder = HandlerWaitRecorder(wait)
        _ = try await Serving.run(handler: recorder.run) { try await recorder.connect(to: $0.address) }
        #expect(recorder.texts == ["CancellationError()"])
    }

    @Test func `client's function ends its connection at once`() async throws {
        let ended = Gate()
        _ = try await Serving.run { connection in
            for try await _ in connection.messages {}
            ended.open()
        } while: { serving in
            let connected = Gate()
            let task = Task {
                try await PipeClient.withConnection(to: serving.address) { connection in
                    connected.open()
                    _ = try await connection.nextMessage()
                }
            }
            await connected.pass()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            await ended.pass()
        }
        #expect(ended.isOpen)
    }

    @Test func `attempt to connect ends it`() async throws {
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = true
        let address = try PipeAddress.unique(prefix: "absent")
        let task = Task { [configuration] in
            try await PipeClient.withConnection(to: address, configuration: configuration) { _ in }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
