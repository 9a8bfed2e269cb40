// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

/// Processes of the program StreamWorker, which is built beside the tests.
@Suite(.requiresBroker) struct `Processes that share a stream` {
    @Test func `do all of the work once, although one of them is killed, and the broker, too`() throws {
        try withStreams { stage in
            let work = try stage.stream("work")
            let done = try stage.stream("done")
            let ready = Box<Set<Substring>>([])
            let results = Box<Set<[Substring]>>([])
            try done.consume(as: "test") { message, _ in
                let words = String(copying: try UTF8Span(validating: message)).split(separator: " ")
                if words[0] == "ready" { ready.value.insert(words[1]) } else { results.value.insert(words) }
            }
            var workers = try ["a", "b"].map { try worker($0, stage) }
            try #require(stage.loop.run { ready.value == ["a", "b"] })
            let count = 300
            for number in 0..<count { _ = try stage.publish("\(number)", work).get() }
            // Each asks for eight at a time, and so neither can have all of them.
            try #require(stage.loop.run { Set(results.value.map { $0[0] }) == ["a", "b"] })
            workers[0].kill()
            stage.broker.kill()
            try stage.broker.start(stage.loop)
            workers[0] = try worker("c", stage)
            try #require(stage.loop.run(whileGrowing: { results.value.count }) { results.value.count >= count })
            // Each message has one result, whichever process was killed between its handling and its acknowledgement.
            let numbers = results.value.compactMap { Int($0[1]) }
            #expect(numbers.sorted() == Array(0..<count))
            try #require(stage.loop.run { ready.value == ["a", "b", "c"] })
            #expect(try stage.info(done).get().messageCount == count + 3)
        }
    }

    private func worker(_ name: String, _ stage: Stage) throws -> TestProcess {
        try TestProcess(built: "StreamWorker", [stage.broker.url, name])
    }
}
#endif
