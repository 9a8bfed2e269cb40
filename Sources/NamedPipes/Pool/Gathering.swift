// SPDX-License-Identifier: Apache-2.0
package import PipeReactor
internal import Synchronization

/// The answers of all workers to one question, collected from their threads.
private final class Gathering<Answer: Sendable>: Sendable {
    private struct State {
        var answers: [Answer?]
        var missingCount: Int
    }

    private let state: Mutex<State>
    private let report: @Sendable ([Answer?]) -> Void

    init(_ count: Int, _ report: @escaping @Sendable ([Answer?]) -> Void) {
        state = Mutex(State(answers: Array(repeating: nil, count: count), missingCount: count))
        self.report = report
    }

    /// Notes one answer, and reports all of them with the last one.
    func note(_ answer: Answer?, at index: Int) {
        let answers = state.withLock { state -> [Answer?]? in
            state.answers[index] = answer
            state.missingCount -= 1
            return state.missingCount == 0 ? state.answers : nil
        }
        if let answers { report(answers) }
    }
}

/// One worker's question. If the worker's server has ended and nothing answers, the deinitialiser says so.
private final class Question<Answer: Sendable>: Sendable {
    private let gathering: Gathering<Answer>
    private let index: Int
    private let isAnswered = Atomic(false)

    init(_ gathering: Gathering<Answer>, _ index: Int) {
        self.gathering = gathering
        self.index = index
    }

    func answer(_ answer: Answer?) {
        if !isAnswered.exchange(true, ordering: .relaxed) { gathering.note(answer, at: index) }
    }

    deinit { answer(nil) }
}

extension PipeServerPool {
    /// Asks the server of each worker on its thread, with one wake-up for each, and reports all answers on the thread
    /// of the last one. A worker that has stopped has no answer.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (PipeServer) -> Answer, then report: @escaping @Sendable ([Answer?]) -> Void
    ) {
        let gathering = Gathering(workers.count, report)
        for worker in workers {
            let pending = Question(gathering, worker.index)
            worker.server?.perform { pending.answer(question($0)) }
        }
    }

    /// Asks the server that has the name for its numbers; nil if it has ended.
    func askNameServer(then report: @escaping @Sendable (PipeServer.Statistics?) -> Void) {
        let pending = Question(Gathering(1) { report($0[0]) }, 0)
        state.withLock { $0.nameServer }?.perform { pending.answer($0.statistics) }
    }

    func ask<Answer: Sendable>(_ question: @escaping @Sendable (PipeServer) -> Answer) async -> [Answer?] {
        unsafe await withUnsafeContinuation { continuation in
            ask(question) { unsafe continuation.resume(returning: $0) }
        }
    }
}

extension PipeServerPool {
    /// The servers of all workers; nil for a worker that has not begun.
    package var workerServers: [ReactorReference<PipeServer>?] { workers.map(\.server) }
}

extension ReactorReference where Object == PipeServer {
    /// Asks the server on its thread, in a later turn; nil if it has ended.
    package func ask<Answer: Sendable>(_ question: @escaping @Sendable (PipeServer) -> Answer) async -> Answer? {
        unsafe await withUnsafeContinuation { continuation in
            let pending = Question(Gathering(1) { unsafe continuation.resume(returning: $0[0]) }, 0)
            perform { pending.answer(question($0)) }
        }
    }
}
