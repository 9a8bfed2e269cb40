// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `A task that waits until its peer has read` {
    @Test func `gives up, is cancelled, or goes on when the peer has`() async throws {
        let gate = Gate()
        _ = try await Serving.run { connection in
            await gate.pass()
            for try await _ in connection.messages {}
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                let filler = [UInt8](repeating: 65, count: 50_000)
                while try await connection.send(filler) == .accepted {}
                await #expect(throws: PipeError.timedOut) {
                    try await connection.whenReadByPeer(within: .milliseconds(1))
                }
                let waiting = Task { try await connection.whenReadByPeer(within: .seconds(600)) }
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                gate.open()
                try await connection.whenReadByPeer(within: .seconds(600))
                #expect(await connection.pendingByteCount == 0)
            }
        }
    }
}
