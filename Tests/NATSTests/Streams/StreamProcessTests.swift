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
            let results = Box<Set<String>>([])
            try done.consume(as: "test") { message, _ in
                results.value.insert(String(copying: try UTF8Span(validating: message)))
            }
            let count = 300
            for number in 0..<count { _ = try stage.publish("\(number)", work).get() }
            var workers = try (0..<2).map { try worker("\($0)", stage) }
            let names: () -> Set<Substring> = { Set(results.value.map { $0.prefix { $0 != " " } }) }
            try #require(stage.loop.run { names().count == 2 })
            workers[0].kill()
            stage.broker.kill()
            try stage.broker.start(stage.loop)
            workers[0] = try worker("2", stage)
            try #require(stage.loop.run(whileGrowing: { results.value.count }) { results.value.count >= count })
            // Each message has one result, whichever process was killed between its handling and its acknowledgement.
            let numbers = results.value.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
            #expect(numbers.sorted() == Array(0..<count))
            #expect(try stage.info(done).get().messageCount == count)
        }
    }

    private func worker(_ name: String, _ stage: Stage) throws -> TestProcess {
        try TestProcess(built: "StreamWorker", [stage.broker.url, name])
    }
}
#endif
