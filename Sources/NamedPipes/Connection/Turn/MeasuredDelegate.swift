// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Forwards callbacks to the owner's delegate on a reactor that measures, and gives each one its name.
final class MeasuredDelegate: PipeConnectionDelegate {
    private let delegate: any PipeConnectionDelegate
    private let meter: CallbackMeter

    init(_ delegate: any PipeConnectionDelegate, _ meter: CallbackMeter) {
        self.delegate = delegate
        self.meter = meter
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        meter.measure("connectionDidOpen(_:)", connection.key) { delegate.connectionDidOpen(connection) }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        meter.measure("connection(_:didReceive:)", connection.key) {
            delegate.connection(connection, didReceive: message)
        }
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        meter.measure("connection(_:didReceive:descriptors:)", connection.key) {
            delegate.connection(connection, didReceive: message, descriptors: &descriptors)
        }
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        meter.measure("connectionDidDrain(_:)", connection.key) { delegate.connectionDidDrain(connection) }
    }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        meter.measure("connection(_:didFailSendingWith:)", connection.key) {
            delegate.connection(connection, didFailSendingWith: unsentMessageCount)
        }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        meter.measure("connectionDidFinishReceiving(_:)", connection.key) {
            delegate.connectionDidFinishReceiving(connection)
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        meter.measure("connection(_:didCloseWith:)", connection.key) {
            delegate.connection(connection, didCloseWith: reason)
        }
    }
}
