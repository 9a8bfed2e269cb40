// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// What all connections of one server or client have in common, so that a connection holds one word for all of it.
final class ConnectionHost {
    let reactor: Reactor
    let buffers: TransferBuffers
    let framing: any MessageFraming
    let configuration: PipeConnection.Configuration

    /// Held strongly until the server or client has stopped.
    var delegate: (any PipeConnectionDelegate)?

    /// The server or client. It outlives its connections, because it ends only after the last of them.
    weak var owner: (any ConnectionOwner)?

    init(_ reactor: Reactor, _ configuration: PipeConnection.Configuration, _ delegate: any PipeConnectionDelegate) {
        self.reactor = reactor
        self.framing = configuration.framing
        self.configuration = configuration
        self.delegate = delegate
        buffers = reactor.companion(TransferBuffers.self) { TransferBuffers() }
    }
}

/// Who hears of a connection's end, before and after the delegate does.
protocol ConnectionOwner: AnyObject {
    /// - Parameter unsent: what was still queued; gone after this call.
    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueue?)

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason)
}
