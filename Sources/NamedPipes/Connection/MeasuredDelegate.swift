// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Stands before the owner's delegate on a reactor that measures, and gives each callback its name.
final class MeasuredDelegate: PipeConnectionDelegate {
    private let delegate: any PipeConnectionDelegate
    private let watch: CallbackWatch

    init(_ delegate: any PipeConnectionDelegate, _ watch: CallbackWatch) {
        self.delegate = delegate
        self.watch = watch
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        watch.measure("connectionDidOpen(_:)", connection.key) { delegate.connectionDidOpen(connection) }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        watch.measure("connection(_:didReceive:)", connection.key) {
            delegate.connection(connection, didReceive: message)
        }
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        watch.measure("connectionDidDrain(_:)", connection.key) { delegate.connectionDidDrain(connection) }
    }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        watch.measure("connection(_:didFailSendingWith:)", connection.key) {
            delegate.connection(connection, didFailSendingWith: unsentMessageCount)
        }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        watch.measure("connectionDidFinishReceiving(_:)", connection.key) {
            delegate.connectionDidFinishReceiving(connection)
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        watch.measure("connection(_:didCloseWith:)", connection.key) {
            delegate.connection(connection, didCloseWith: reason)
        }
    }
}
