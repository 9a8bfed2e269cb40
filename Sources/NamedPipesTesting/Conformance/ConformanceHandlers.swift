// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The `async` handlers of one run, and their parent task.
final class ConformanceHandlers: Sendable {
    private let state = Mutex((runningCount: 0, task: Task<Void, any Error>?.none))

    /// How many were called and have not returned.
    var runningCount: Int { state.withLock { $0.runningCount } }

    func hold(_ task: Task<Void, any Error>) { state.withLock { $0.task = task } }

    func didBegin() { state.withLock { $0.runningCount += 1 } }

    func didEnd() { state.withLock { $0.runningCount -= 1 } }

    func cancel() { state.withLock { $0.task }?.cancel() }
}
