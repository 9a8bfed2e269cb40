// SPDX-License-Identifier: Apache-2.0

/// The server or client that owns a connection. It is told of the connection's end, before and after the delegate is,
/// and of the end of its output.
protocol ConnectionOwner: AnyObject {
    /// A write has failed for good.
    ///
    /// - Parameter unsent: the messages that were still queued; invalid after this call.
    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot)

    /// - Parameter unsent: the messages that were still queued; invalid after this call.
    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?)

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason)

    /// Its own charge in the ledger, without that of its connections.
    var keptByteCharge: Int { get }
}
