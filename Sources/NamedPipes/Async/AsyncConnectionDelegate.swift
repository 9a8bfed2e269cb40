// SPDX-License-Identifier: Apache-2.0

/// Makes of a connection's events what tasks wait for: what servers and clients have in common.
class AsyncConnectionDelegate: PipeConnectionDelegate {
    /// Gets each connection when it is open.
    func didOpen(_ connection: AsyncPipeConnection) {}

    /// Hears of the end, before the tasks that wait on the connection do.
    func didEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {}

    final func connectionDidOpen(_ connection: PipeConnection) { didOpen(AsyncConnectionState.adopt(connection)) }

    final func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        AsyncConnectionState.of(connection).didReceive(message)
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
