// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram
import Synchronization

/// The audience of the beats: the only object that both threads share.
///
/// Connections belong to the reactor's thread. The other thread holds their senders, which are values that identify
/// them.
final class Audience: Sendable {
    private let state = Mutex((count: 0, listeners: [PipeConnection.ID: PipeSender]()))

    /// Sends the next beat to all clients. May be called from any thread; the reactor is woken once, however many there
    /// are.
    func beat() {
        state.withLock { state in
            state.count += 1
            let beat = Array("beat \(state.count)".utf8)
            for sender in state.listeners.values { sender.post(beat) }
        }
    }

    func add(_ sender: PipeSender) {
        state.withLock { $0.listeners[sender.connectionID] = sender }
    }

    func remove(_ sender: PipeSender) {
        state.withLock { $0.listeners[sender.connectionID] = nil }
    }
}

/// The reactor's side: reports each client that comes, and each one that leaves with the number of missed beats.
final class Conductor: PipeServerDelegate {
    private let audience: Audience

    init(_ audience: Audience) { self.audience = audience }

    func connectionDidOpen(_ connection: PipeConnection) {
        PipeProgram.report("\(connection.id) came (\(connection.peer))")
        audience.add(connection.sender)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        // A metronome ignores messages.
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        audience.remove(connection.sender)
        let missed = connection.sender.droppedMessageCount + connection.unsentMessageCount
        PipeProgram.report("\(connection.id) left (\(reason)), \(missed) beats missed")
    }
}
