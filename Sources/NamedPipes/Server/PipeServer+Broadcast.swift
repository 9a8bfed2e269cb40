// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

extension PipeServer {
    /// The result of a broadcast.
    public struct BroadcastOutcome: Sendable {
        /// The number of connections that took the message.
        public internal(set) var acceptedCount = 0

        /// The number of connections that dropped the message, because their peer reads too slowly; see
        /// ``PipeConnection/Configuration/slowReaderPolicy``.
        public internal(set) var droppedCount = 0

        /// The number of older messages that the connections displaced to make room for this one.
        public internal(set) var displacedMessageCount = 0

        /// The connections that refused the message, each with the reason: its queue was full, a budget was exhausted,
        /// or it was closing.
        public internal(set) var refusals: [PipeConnection.ID: PipeError] = [:]
    }

    /// Sends one message to all connections, or to those that a filter selects. It is encoded once.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - filter: called with each connection. The default selects all.
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no client
    ///   gets it.
    @discardableResult
    public func broadcast(
        _ message: Span<UInt8>, where filter: (PipeConnection) -> Bool = { _ in true }
    ) throws(PipeError) -> BroadcastOutcome {
        try endpoint.sendToEach(message) { send in
            endpoint.forEachConnection { if filter($0) { send($0) } }
        }
    }

    /// Sends one message to all connections; see ``broadcast(_:where:)-(Span<UInt8>,_)``.
    @discardableResult
    public func broadcast(
        _ message: [UInt8], where filter: (PipeConnection) -> Bool = { _ in true }
    ) throws(PipeError) -> BroadcastOutcome {
        try broadcast(message.span, where: filter)
    }

    /// Sends a kept message to all connections; see ``broadcast(_:where:)-(Span<UInt8>,_)``.
    @discardableResult
    public func broadcast(
        _ message: PipeMessage, where filter: (PipeConnection) -> Bool = { _ in true }
    ) throws(PipeError) -> BroadcastOutcome {
        try message.withBytes { bytes throws(PipeError) in try broadcast(bytes, where: filter) }
    }

    /// Sends the UTF-8 bytes of a text to all connections; see ``broadcast(_:where:)-(Span<UInt8>,_)``.
    @discardableResult
    public func broadcast(
        _ message: String, where filter: (PipeConnection) -> Bool = { _ in true }
    ) throws(PipeError) -> BroadcastOutcome {
        try broadcast(message.utf8.span, where: filter)
    }
}

extension Endpoint {
    /// Encodes a message once and sends it to several connections.
    ///
    /// - Parameter choose: calls the function that it receives with each connection. It is not called if the frame
    ///   cannot be made.
    @inline(__always)
    func sendToEach(
        _ message: Span<UInt8>, _ choose: ((PipeConnection) -> Void) -> Void
    ) throws(PipeError) -> PipeServer.BroadcastOutcome {
        sendToEach(message, as: try SharedBuffer(encoding: message, framing), choose)
    }

    /// Sends a message to several connections, as a frame of the endpoint's framing.
    ///
    /// - Parameter choose: calls the function that it receives with each connection.
    @inline(__always)
    func sendToEach(
        _ message: Span<UInt8>, as frame: SharedBuffer, _ choose: ((PipeConnection) -> Void) -> Void
    ) -> PipeServer.BroadcastOutcome {
        assertOwner()
        var outcome = PipeServer.BroadcastOutcome()
        choose { connection in
            do throws(PipeError) {
                let isAlone = connection.state.sendsSlowly
                outcome.note(try isAlone ? connection.send(message, as: frame) : connection.send(encoded: frame))
            } catch {
                outcome.refusals[connection.id] = error
            }
        }
        return outcome
    }
}

extension SharedBuffer {
    /// The frame of one message.
    convenience init(encoding message: Span<UInt8>, _ framing: any MessageFraming) throws(PipeError) {
        self.init()
        do {
            try framing.encode(message, into: &bytes)
        } catch {
            throw PipeError(error)
        }
    }
}

extension PipeServer.BroadcastOutcome {
    fileprivate mutating func note(_ verdict: PipeConnection.SendVerdict) {
        switch verdict {
        case .accepted, .acceptedAboveHighWaterMark:
            acceptedCount += 1
        case .acceptedByDisplacing(let messageCount):
            acceptedCount += 1
            displacedMessageCount += messageCount
        case .dropped:
            droppedCount += 1
        }
    }
}
