// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import Synchronization

/// A task's wait for an answer, which ends once: at the latest when no code is left that could end it.
final class RequestWait<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, any Error>?>

    init(_ continuation: CheckedContinuation<Value, any Error>) { self.continuation = Mutex(continuation) }

    func finish(_ result: Result<Value, any Error>) {
        continuation.withLock { $0.take() }?.resume(with: result)
    }

    deinit { finish(.failure(NATSError.closed)) }
}

/// Which request a task waits for, once that is sent, and whether it still does.
final class RequestCancellation: Sendable {
    private let state = Mutex<(token: SessionToken?, isCancelled: Bool)>((nil, false))

    /// - Returns: whether the task was cancelled before.
    func begin(_ token: SessionToken) -> Bool {
        state.withLock {
            $0.token = token
            return $0.isCancelled
        }
    }

    /// - Returns: the request to cancel, if there is one yet.
    func cancel() -> SessionToken? {
        state.withLock {
            $0.isCancelled = true
            return $0.token
        }
    }
}
#endif
