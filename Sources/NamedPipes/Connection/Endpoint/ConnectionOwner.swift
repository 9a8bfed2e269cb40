// SPDX-License-Identifier: Apache-2.0

/// The server or client that owns a connection. It is told of the connection's end, before and after the delegate is,
/// and of the end of its output.
protocol ConnectionOwner: AnyObject {
    /// A write has failed for good.
    ///
    /// - Parameter unsent: what was still queued; gone after this call.
    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot)

    /// - Parameter unsent: what was still queued; gone after this call.
    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?)

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason)

    /// What it has in the ledger itself, beside its connections.
    var keptByteCharge: Int { get }
}
