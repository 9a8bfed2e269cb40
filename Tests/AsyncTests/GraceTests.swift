// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `The grace of an async server` {
    /// Without a grace, its handlers would wait for ever.
    @Test(arguments: [Duration.zero, .milliseconds(20)])
    func `79 · bounds its handlers`(grace: Duration) async throws {
        let (began, never) = (Gate(), Gate())
        let cancelled = Count()
        _ = try await Serving.run { _ in
            began.open()
            await never.pass()
            if Task.isCancelled { cancelled.add() }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                await began.pass()
                serving.server.perform { $0.stop(gracePeriod: grace) }
                _ = try await connection.waitForEnd()
            }
            #expect(await eventually { cancelled.value == 1 })
        }
        #expect(cancelled.value == 1)
    }

    @Test func `79 · also bounds handlers whose connections have ended`() async throws {
        let (gone, gate) = (Gate(), Gate())
        let finished = Count()
        _ = try await Serving.run { connection in
            for try await _ in connection.messages {}
            gone.open()
            await gate.pass()
            if !Task.isCancelled { finished.add() }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            peer.writeAll([0, 0, 0, 1, 65])
            peer.close()
            await gone.pass()
            let told = Gate()
            serving.server.perform {
                $0.stop(gracePeriod: .seconds(10_000))
                told.open()
            }
            await told.pass()
            #expect(await eventually { serving.events.texts.last == "stopped" })
            gate.open()
            #expect(await eventually { finished.value == 1 })
        }
        #expect(finished.value == 1)
    }

    /// Work that is under way needs the client once more.
    @Test func `79 · lets a handler hear the answers to its own questions`() async throws {
        let answers = Count()
        let allIn = Gate()
        _ = try await Serving.run { connection in
            var count = 0
            for try await _ in connection.messages {
                count += 1
                if count == 3 { allIn.open() }
            }
            #expect(await connection.canResumeReceiving)
            await connection.resumeReceiving()
            #expect(await !connection.canResumeReceiving)
            try await connection.send("what next?")
            let answer = try await connection.nextMessage()
            if answer.flatMap({ String(copying: $0) }) == "this", count == 3 { answers.add() }
            // Nothing more: the client finishes.
            let last = try await connection.nextMessage()
            if last == nil, await !connection.canResumeReceiving { answers.add() }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                for number in 0..<3 { try await connection.send("\(number)") }
                // A message that is still under way would be taken for the answer to the question.
                await allIn.pass()
                serving.server.perform { $0.stop(gracePeriod: .seconds(10_000)) }
                let question = try await connection.nextMessage()
                #expect(question.flatMap { String(copying: $0) } == "what next?")
                try await connection.send("this")
                await connection.finishSending()
                _ = try await connection.waitForEnd()
            }
        }
        #expect(answers.value == 2)
    }
}
