// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Watches the messages of a server, or of all workers of a pool, while they go by: ``PipeServer/attach(_:worker:)``.
///
/// It copies what it wants into a buffer of limited size, on the thread that serves the connection. No connection ever
/// waits for it. If what was copied is not taken in time, messages are lost to the tap, which counts them.
package final class MessageTap: Sendable {
    private let filter: TapFilter
    private let contentLimit: Int
    private let byteLimit: Int
    private let state = Mutex(State())

    // Not private: otherwise the compiler (6.3.1) writes a module in which it is missing.
    struct State {
        var batch = TapBatch()
        /// The number of the next message.
        var sequence: UInt64 = 0
        var serverCount = 0
        var hasEnded = false
        /// The task that waits for messages.
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// Creates a tap that is attached to no server.
    ///
    /// - Parameters:
    ///   - filter: the messages that it wants. The default is all.
    ///   - contentLimit: how many bytes of each message it keeps; 0 for none.
    ///   - byteLimit: the memory for messages that were not taken, in bytes. The default is 512 KiB.
    package init(_ filter: TapFilter = TapFilter(), contentLimit: Int, byteLimit: Int = 512 << 10) {
        self.filter = filter
        self.contentLimit = contentLimit
        self.byteLimit = byteLimit
    }

    /// Waits for messages, and takes all that are there. Only one task may wait at a time.
    ///
    /// - Returns: nil after the last ones: all servers have stopped, ``end()`` was called, or the task was cancelled.
    package func next() async -> TapBatch? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.hasEnded || !state.batch.isEmpty { return true }
                    precondition(state.waiter == nil, "two tasks wait for the messages of one tap")
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            end()
        }
        let batch = take()
        return batch.isEmpty ? nil : batch
    }

    /// Takes all messages that are there, without waiting.
    package func take() -> TapBatch {
        state.withLock { state in
            defer { state.batch = TapBatch() }
            return state.batch
        }
    }

    /// Watches no more messages.
    package func end() {
        let waiter = state.withLock { state in
            state.hasEnded = true
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Several servers are going to be attached, one after the other: until ``endAttaching()``, the end of all that are
    /// attached by then is not the end of the tap.
    package func beginAttaching() { didAttach() }

    package func endAttaching() { serverDidEnd() }

    // MARK: On the servers' threads

    func didAttach() { state.withLock { $0.serverCount += 1 } }

    func didDetach() { state.withLock { $0.serverCount -= 1 } }

    /// A server to which it is attached has stopped. The tap ends with the last of them.
    func serverDidEnd() {
        let isLast = state.withLock { state in
            state.serverCount -= 1
            return state.serverCount == 0
        }
        if isLast { end() }
    }

    /// A message goes by.
    func watch(
        _ message: Span<UInt8>, _ direction: TappedMessage.Direction, of connection: PipeConnection, worker: Int?
    ) {
        guard filter.admits(direction, of: connection) else { return }
        let count = min(message.count, contentLimit)
        let waiter = state.withLock { state in
            guard !state.hasEnded else { return nil as CheckedContinuation<Void, Never>? }
            let sequence = state.sequence
            state.sequence += 1
            // Once one is lost, all are until there is room for any: so a batch has its loss at its end.
            let needed = count + MemoryLayout<TappedMessage>.stride
            if state.batch.lostCount > 0 || state.batch.byteCount + needed > byteLimit {
                state.batch.lostCount += 1
            } else {
                state.batch.append(
                    message, first: count, direction, of: connection, worker: worker, sequence: sequence)
            }
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
