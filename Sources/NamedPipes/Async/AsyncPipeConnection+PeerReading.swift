// SPDX-License-Identifier: Apache-2.0

extension AsyncPipeConnection {
    /// Waits until the peer has read everything that was sent; see ``PipeConnection/whenReadByPeer(within:_:)``.
    ///
    /// - Parameter limit: the longest time to wait.
    /// - Throws: ``PipeError/timedOut``; ``PipeError/disconnected(_:)`` if the connection ended before;
    ///   ``PipeError/notConnected(_:)`` or ``PipeError/system(_:)``; `CancellationError`.
    public func whenReadByPeer(within limit: Duration) async throws {
        let wait = PeerReadingWait()
        try await withTaskCancellationHandler {
            try await WaitingTask.suspend { task in
                wait.begin(task)
                if Task.isCancelled { return wait.finish(throwing: CancellationError()) }
                unsafe state.connection.whenReadByPeer(within: limit) { result in
                    switch result {
                    case .success: wait.finish(throwing: nil)
                    case .failure(let error): wait.finish(throwing: error)
                    }
                }
            }
        } onCancel: {
            executor.post { _ in wait.finish(throwing: CancellationError()) }
        }
    }
}

/// One task's wait, which ends once. Used on the reactor's thread only.
@safe
private final class PeerReadingWait: Sendable {
    private nonisolated(unsafe) var task: WaitingTask?

    func begin(_ task: WaitingTask) { unsafe self.task = task }

    func finish(throwing error: (any Error)?) {
        guard let task = unsafe task.take() else { return }
        if let error { task.fail(error) } else { task.goOn() }
    }
}
