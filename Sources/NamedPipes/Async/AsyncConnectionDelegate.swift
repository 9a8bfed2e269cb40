// SPDX-License-Identifier: Apache-2.0

/// Translates a connection's events into something that tasks can await: the common part of servers and clients.
class AsyncConnectionDelegate: PipeConnectionDelegate {
    /// Receives each connection when it is open.
    func didOpen(_ connection: AsyncPipeConnection) {}

    /// Told of the end before the tasks that wait on the connection are.
    func didEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {}

    final func connectionDidOpen(_ connection: PipeConnection) { didOpen(AsyncConnectionState.adopt(connection)) }

    final func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        AsyncConnectionState.of(connection).didReceive(message)
    }

    final func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        AsyncConnectionState.of(connection).didReceive(message, &descriptors)
    }

    final func connectionDidDrain(_ connection: PipeConnection) { AsyncConnectionState.of(connection).didDrain() }

    final func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        AsyncConnectionState.of(connection).outputDidEnd()
    }

    final func connectionDidFinishReceiving(_ connection: PipeConnection) {
        AsyncConnectionState.of(connection).finishInput(.finished)
    }

    final func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        didEnd(connection, reason)
        AsyncConnectionState.of(connection).didEnd(reason)
    }
}
