// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

extension LivePipe {
    /// Asks the servers that offer statistics how they frame their messages.
    ///
    /// - Parameters:
    ///   - pipes: the names; their order is kept.
    ///   - timeout: for all answers together; nil is for ever. What is not known by then stays nil.
    /// - Throws: the reactor's error, and `CancellationError` after a signal.
    static func withFramings(_ pipes: [LivePipe], timeout: Duration?) throws -> [LivePipe] {
        // An address whose characters are escaped is another one to connect to.
        let asked = pipes.indices.filter { pipes[$0].offersStatistics && !pipes[$0].address.contains("\\") }
        guard !asked.isEmpty else { return pipes }
        return try runOnReactor { executor in
            var pipes = pipes
            try await withThrowingTaskGroup(of: Answer.self) { group in
                if let timeout {
                    group.addTask {
                        try await Task.sleep(for: timeout)
                        return .timeIsUp
                    }
                }
                var (waiting, answeredCount) = (asked[...], 0)
                func askNext() {
                    guard let index = waiting.popFirst() else { return }
                    let address = pipes[index].address
                    group.addTask { .framing(await framing(at: address, executor), index) }
                }
                for _ in 0..<maximumQuestionCount { askNext() }
                answers: while answeredCount < asked.count, let answer = try await group.next() {
                    switch answer {
                    case .timeIsUp: break answers
                    case .framing(let framing, let index):
                        pipes[index].framing = framing
                        answeredCount += 1
                        askNext()
                    }
                }
                group.cancelAll()
            }
            try Task.checkCancellation()
            return pipes
        }
    }

    private enum Answer {
        case framing(String?, Int)
        case timeIsUp
    }

    /// How many servers are asked at a time: each has a connection.
    private static let maximumQuestionCount = 64

    /// Nil as well for a server whose answer is none, whatever the reason: a list shows what there is.
    private static func framing(at address: String, _ executor: ReactorExecutor) async -> String? {
        guard let address = try? PipeAddress(parsing: address) else { return nil }
        return try? await offeredStatistics(beside: address, timeout: nil, on: executor)?.knownFraming
    }
}

extension ServerSnapshot {
    /// The framing, if it is one that `--framing` knows. Anything else comes from a server that is newer than this
    /// program, or hostile.
    var knownFraming: String? { framing.flatMap { NamedFraming.parse($0) == nil ? nil : $0 } }
}
