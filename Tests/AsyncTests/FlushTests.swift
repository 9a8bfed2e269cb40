// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// The fate of messages that were accepted, when the function that sent them has returned.
@Suite(.timeLimit(.minutes(5))) struct `The last messages of an async` {
    /// 20 MiB are accepted without a wait, and nothing limits the time that they may take.
    static var patient: PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.connection.highWaterMark = 64 << 20
        configuration.connection.sendQueueLimit = 65 << 20
        configuration.connection.closeTimeout = .seconds(10_000)
        configuration.connection.writeStallDeadline = nil
        return configuration
    }

    static func sendMuch(_ connection: AsyncPipeConnection) async throws {
        for _ in 0..<20 { try await connection.send([UInt8](repeating: 1, count: 1 << 20)) }
    }

    @Test func `79 · client are not reported as sent, where the server goes away`() async throws {
        let (sent, failing) = (Gate(), Gate())
        _ = try await Serving.run { connection in
            await failing.pass()
            throw CancellationError()
        } while: { serving in
            let client = Task {
                try await PipeClient.withConnection(to: serving.address, configuration: Self.patient) { connection in
                    try await Self.sendMuch(connection)
                    sent.open()
                }
            }
            await sent.pass()
            failing.open()
            let error = await #expect(throws: PipeError.self) { try await client.value }
            guard case .messagesUnsent(let count, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect((1...20).contains(count))
        }
    }

    @Test func `79 · client are dropped at once, where the task is cancelled while they are sent`() async throws {
        let (sent, gate) = (Gate(), Gate())
        _ = try await Serving.run { _ in
            await gate.pass()
        } while: { serving in
            let client = Task {
                try await PipeClient.withConnection(to: serving.address, configuration: Self.patient) { connection in
                    try await Self.sendMuch(connection)
                    sent.open()
                }
            }
            await sent.pass()
            client.cancel()
            await #expect(throws: CancellationError.self) { try await client.value }
            gate.open()
        }
    }

    @Test func `79 · client may be given up by the task`() async throws {
        let gate = Gate()
        _ = try await Serving.run { _ in
            await gate.pass()
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address, configuration: Self.patient) { connection in
                try await Self.sendMuch(connection)
                await connection.abort()
            }
            gate.open()
        }
    }

    @Test func `79 · handler that are not sent are reported`() async throws {
        var configuration = PipeServer.Configuration()
        configuration.connection = Self.patient.connection
        _ = try await Serving.run(configuration) { connection in
            try await Self.sendMuch(connection)
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            #expect(
                await eventually {
                    peer.read(atMost: 1)
                    return !peer.received.isEmpty
                })
            peer.close()
            #expect(await eventually { !serving.events.failures.isEmpty })
            #expect(serving.events.failures.first?.contains("not sent") == true)
        }
    }
}
