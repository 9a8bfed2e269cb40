// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

extension PipeClient {
    /// Sends one message on the connection; without one, keeps it if ``Configuration/unsentMessages`` says so.
    ///
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: Span<UInt8>) throws(PipeError) -> PipeConnection.SendVerdict {
        endpoint.assertOwner()
        if let connection, connection.isOpen { return try connection.send(message) }
        guard configuration.unsentMessages == .keep, lifecycle.mayKeepMessages else { throw .notConnected(missing) }
        return try kept.keep(message, behind: connection?.pendingByteCount ?? 0, endpoint)
    }

    /// Sends one message; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: [UInt8]) throws(PipeError) -> PipeConnection.SendVerdict { try send(message.span) }

    /// Sends the UTF-8 bytes of a text; see ``send(_:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: String) throws(PipeError) -> PipeConnection.SendVerdict { try send(message.utf8.span) }

    /// Sends a kept message; see ``send(_:)-(Span<UInt8>)``. A large one is written from its own memory if there is a
    /// connection; if it has to wait for one, it is copied.
    @discardableResult
    public func send(_ message: PipeMessage) throws(PipeError) -> PipeConnection.SendVerdict {
        if let connection, connection.isOpen { return try connection.send(message) }
        return try message.withBytes { bytes throws(PipeError) in try send(bytes) }
    }

    /// How many messages are kept for the next connection.
    public var keptMessageCount: Int { kept.messageCount }

    /// Waiting messages go first on a new connection, before anything can be sent after them.
    func sendKept(on connection: PipeConnection) {
        guard connection.isOpen, let queue = kept.take() else { return }
        connection.adopt(queue)
    }

    /// Messages that a connection could not send go first on the next one, before messages that were sent here since.
    private func keepForNext(_ unsent: SendQueueSlot, of connection: PipeConnection) {
        // The next connection would not understand the framing of an upgraded one.
        guard configuration.unsentMessages == .keep, !connection.state.isUpgraded else { return }
        kept.keep(unsentFramesOf: unsent, endpoint)
    }
}

extension PipeClient: ConnectionOwner {
    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot) {
        keepForNext(unsent, of: connection)
    }

    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?) {
        noteUnanswered(connection, reason)
        lifecycle.connectionWillReport()
        if reason != .closedLocally, let unsent { keepForNext(unsent, of: connection) }
    }

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        var generator = SystemRandom()
        perform(
            lifecycle.connectionDidEnd(isLost: reason != .closedLocally, at: reactor.now, using: &generator))
    }

    var keptByteCharge: Int { kept.chargedByteCount }
}
