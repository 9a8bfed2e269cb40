// SPDX-License-Identifier: Apache-2.0

/// Translates a client's events into something that a task can await.
final class AsyncClientDelegate: AsyncConnectionDelegate, PipeClientDelegate {
    private enum Outcome {
        case connected(AsyncPipeConnection)
        case failed(any Error)
    }

    private var outcome: Outcome?
    private var waiting = WaitingTasks()

    /// Waits for the connection, and returns it.
    nonisolated(nonsending) func connection() async throws -> AsyncPipeConnection {
        while true {
            switch outcome {
            case .connected(let connection): return connection
            case .failed(let error): throw error
            case nil:
                try await WaitingTask.suspend { task in
                    // Checked again: other code may have run during the await itself.
                    if outcome == nil { waiting.add(task) } else { task.goOn() }
                }
            }
        }
    }

    private func finish(_ outcome: Outcome) {
        if self.outcome == nil { self.outcome = outcome }
        waiting.wakeAll()
    }

    func client(_ client: PipeClient, didChangeTo state: PipeClient.State) {
        if state == .disconnected { finish(.failed(CancellationError())) }
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) { finish(.failed(error)) }

    override func didOpen(_ connection: AsyncPipeConnection) { finish(.connected(connection)) }
}
