// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Async back-pressure` {
    /// The client's queue can only stay full if the server's end has stopped reading.
    @Test func `stops reading while no task takes messages, and loses none`() async throws {
        let gate = Gate()
        let received = Count()
        let size = 1000
        let (accepted, _) = try await Serving.run { connection in
            await gate.pass()
            for try await message in connection.messages where message.byteCount == size { received.add() }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                let accepted = Count()
                // Between the marks, the task waits even if the kernel may have taken more.
                let mark = PipeConnection.Configuration().lowWaterMark
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while true {
                            try await connection.send([UInt8](repeating: 1, count: size))
                            accepted.add()
                        }
                    }
                    #expect(await eventually { await connection.pendingByteCount > mark })
                    let count = accepted.value
                    // The task waits; each look is a turn of its loop, in which it could have sent.
                    for _ in 0..<100 { _ = await connection.pendingByteCount }
                    #expect(accepted.value <= count + 1)
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.waitForAll() }
                }
                gate.open()
                await connection.close()
                #expect(await eventually { received.value == accepted.value })
                return accepted.value
            }
        }
        // The bytes in the kernel, those that wait for the task, and those that are queued here.
        #expect(accepted * size < (1 << 20) + (256 << 10) * 3)
    }

    @Test func `bounds empty messages as well`() async throws {
        let gate = Gate()
        let received = Count()
        _ = try await Serving.run { connection in
            await gate.pass()
            for try await message in connection.messages where message.byteCount == 0 { received.add() }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            var headerCount = 0
            let headers = [UInt8](repeating: 0, count: 4096)
            // Until nothing has been taken for a while: how much is taken depends on how much each read found.
            var progress = ContinuousClock.now
            let isStuck = await eventually {
                let before = headerCount
                while headerCount / 4 < 200_000, case let count = peer.write(headers), count > 0 {
                    headerCount += count
                }
                guard headerCount == before else {
                    progress = .now
                    return headerCount / 4 >= 200_000
                }
                return .now - progress > .milliseconds(300)
            }
            #expect(isStuck)
            // 256 KiB at about 30 bytes each, one buffer that was read before the pause, and the kernel's.
            #expect(headerCount / 4 < 200_000)
            gate.open()
            peer.write([UInt8](repeating: 0, count: 4 - headerCount % 4))
            // As long as more arrive: how long all of them take depends on the machine.
            var seenCount = -1
            while received.value > seenCount, received.value < headerCount / 4 {
                seenCount = received.value
                _ = await eventually { received.value > seenCount }
            }
            #expect(received.value >= headerCount / 4)
            peer.close()
        }
    }

    @Test func `makes messages of several tasks wait in turn`() async throws {
        let received = Count()
        let gate = Gate()
        _ = try await Serving.run { connection in
            await gate.pass()
            for try await _ in connection.messages { received.add() }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            for _ in 0..<10 { try await connection.send([UInt8](repeating: 2, count: 20_000)) }
                        }
                    }
                    #expect(await eventually { await connection.pendingByteCount > 256 << 10 })
                    gate.open()
                }
                #expect(await eventually { received.value == 200 })
            }
        }
    }
}
