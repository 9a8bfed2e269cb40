// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `A half-close, for tasks` {
    @Test func `68 · a send that waits throws when the peer reads no more, and messages go on`() async throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.highWaterMark = 100_000
        configuration.connection.lowWaterMark = 1000
        configuration.connection.pausesReceivingAboveHighWaterMark = false
        let told = Mutex<[String]>([])
        _ = try await Serving.run(configuration) { connection in
            do {
                while true { try await connection.send([UInt8](repeating: 1, count: 30_000)) }
            } catch PipeError.notConnected {
                told.withLock { $0.append("cannot send") }
            }
            for try await message in connection.messages {
                told.withLock { $0.append(String(copying: message) ?? "?") }
            }
            told.withLock { $0.append("the end") }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            // One question at a time: if work is posted faster than the loop runs, the handler has to wait.
            let isWaiting = await eventually {
                await withCheckedContinuation { answer in
                    serving.server.perform { answer.resume(returning: $0.statistics.queuedByteCount > 100_000) }
                }
            }
            #expect(isWaiting)
            peer.finishReading()
            let isTold = await eventually {
                peer.readAll()
                return told.withLock { !$0.isEmpty }
            }
            #expect(isTold)
            peer.writeAll(frame("still talking"))
            peer.finishWriting()
            #expect(await eventually { told.withLock { $0.count == 3 } })
        }
        #expect(told.withLock { $0 } == ["cannot send", "still talking", "the end"])
    }
}
