// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// What comes over a connection within a time.
enum Answer {
    case message([UInt8])
    /// The connection has ended, and no message came before.
    case ended(DisconnectReason)
    /// The time ran out. The connection is closed then.
    case nothing
}

extension AsyncPipeConnection {
    /// Waits for the next message, for a time at most.
    ///
    /// - Parameter limit: nil is for ever.
    /// - Throws: `CancellationError`.
    nonisolated(nonsending) func answer(within limit: Duration?) async throws -> Answer {
        let alarm = limit.map { limit in
            Task {
                try await Task.sleep(for: limit)
                await abort()
            }
        }
        defer { alarm?.cancel() }
        do {
            if let message = try await nextMessage() { return .message(message.withBytes { [UInt8](copying: $0) }) }
        } catch PipeError.disconnected(let reason) {
            return .ended(reason)
        }
        try Task.checkCancellation()
        // Ended by the alarm, or the peer has finished and its end still is to come.
        let reason = await endReason ?? .closedByPeer
        return reason == .closedLocally ? .nothing : .ended(reason)
    }
}
