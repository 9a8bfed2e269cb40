// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// The groups that this connection has joined.
    public var groups: Set<PipeGroup> { extrasInUse?.groups ?? [] }

    /// Takes part in a group of the server from now on, until it leaves or can send no more. Once is as good as often.
    ///
    /// Groups of different servers have nothing to do with each other, even if they have the same name. At a client,
    /// the connection is in a group by itself.
    ///
    /// - Throws: ``PipeError/notConnected`` if nothing can be sent any more.
    public func join(_ group: PipeGroup) throws(PipeError) {
        endpoint.assertOwner()
        guard lifecycle.canSend else { throw .notConnected }
        if rare.groups.insert(group).inserted { endpoint.groups.add(self, to: group) }
    }

    /// Takes part in a group no longer. Without effect if it did not.
    public func leave(_ group: PipeGroup) {
        endpoint.assertOwner()
        if extrasInUse?.groups.remove(group) != nil { endpoint.groups.remove(self, from: group) }
    }

    /// Sends one message to all others in a group, whether this connection is in it or not. It is encoded once.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - group: whose members get it. An empty group is no error.
    /// - Returns: how many took it, and who refused it.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; no member got it then.
    @discardableResult
    public func publish(
        _ message: Span<UInt8>, to group: PipeGroup
    ) throws(PipeError) -> PipeServer.BroadcastOutcome {
        try endpoint.publish(message, to: group, except: id)
    }

    /// Sends one message to all others in a group; see ``publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: [UInt8], to group: PipeGroup) throws(PipeError) -> PipeServer.BroadcastOutcome {
        try publish(message.span, to: group)
    }

    /// Sends a message that is kept to all others in a group; see ``publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: PipeMessage, to group: PipeGroup) throws(PipeError) -> PipeServer.BroadcastOutcome {
        try message.withBytes { bytes throws(PipeError) in try publish(bytes, to: group) }
    }

    /// Sends the UTF-8 bytes of a text to all others in a group; see ``publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: String, to group: PipeGroup) throws(PipeError) -> PipeServer.BroadcastOutcome {
        try publish(message.utf8.span, to: group)
    }

    /// It can send no more.
    func leaveAllGroups() {
        guard let rare = extrasInUse, !rare.groups.isEmpty else { return }
        for group in rare.groups { endpoint.groups.remove(self, from: group) }
        rare.groups = []
    }
}
