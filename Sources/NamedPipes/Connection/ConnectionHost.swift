// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

/// What all connections of one server or client have in common, so that a connection holds one word for all of it.
final class ConnectionHost {
    let reactor: Reactor
    let buffers: TransferBuffers
    let framing: any MessageFraming
    let configuration: PipeConnection.Configuration

    // The usual framing once more by its own type: then the compiler puts scanning and encoding in line, and no
    // existential is opened at each message.
    let lengthPrefix: LengthPrefixFraming?

    /// Up to how many bytes a queue takes another message without any question.
    let plainQueueLimit: Int

    /// The largest message that becomes a plain frame (``FrameBuffer/appendPlainFrame(_:)``); -1 where none does.
    let plainMessageLimit: Int

    /// Whether peers can send us descriptors, because the kernel does not refuse them.
    let acceptsDescriptors: Bool

    /// At least one.
    let messagesPerTurn: Int

    // Read at each accept, where the whole configuration would be copied for it.
    let sendBufferByteCount: Int?

    /// Held strongly until the server or client has stopped.
    var delegate: (any PipeConnectionDelegate)?

    /// The server or client. It outlives its connections, because it ends only after the last of them.
    /// It takes itself out of here at its end, so that this needs no weak reference, which would cost each connection 300
    /// instructions.
    unowned(unsafe) var owner: (any ConnectionOwner)?

    init(_ reactor: Reactor, _ configuration: PipeConnection.Configuration, _ delegate: any PipeConnectionDelegate) {
        self.reactor = reactor
        self.framing = configuration.framing
        lengthPrefix = configuration.framing as? LengthPrefixFraming
        self.configuration = configuration
        acceptsDescriptors = configuration.lacksPassRights || !DescriptorPassing.isRefusedByKernel
        messagesPerTurn = max(1, configuration.messagesPerTurn)
        sendBufferByteCount = configuration.sendBufferByteCount
        plainQueueLimit = min(configuration.highWaterMark, configuration.sendQueueLimit) - 4  // the header
        plainMessageLimit = min(lengthPrefix?.plainLimit ?? -1, TransferBuffers.inPlaceByteCount - 1)
        self.delegate = delegate
        buffers = reactor.companion(TransferBuffers.self) { TransferBuffers(reactor) }
    }
}

extension ConnectionHost {
    /// Appends one frame; see ``MessageFraming/encode(_:into:)``.
    @inline(__always)
    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        if let lengthPrefix { return try lengthPrefix.encode(message, into: &output) }
        try framing.encode(message, into: &output)
    }
}

/// Who hears of a connection's end, before and after the delegate does.
protocol ConnectionOwner: AnyObject {
    /// - Parameter unsent: what was still queued; gone after this call.
    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?)

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason)
}
