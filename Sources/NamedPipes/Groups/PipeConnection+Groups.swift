// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// The groups that this connection has joined.
    public var groups: Set<PipeGroup> { rareIfAny?.groups ?? [] }

    /// Joins a group of the server, until the connection leaves it or can send no more. Joining again has no effect.
    ///
    /// Groups of different servers are unrelated, even if they have the same name. In a client, the connection is alone
    /// in its groups.
    ///
    /// - Throws: ``PipeError/notConnected(_:)`` if nothing can be sent any more.
    public func join(_ group: PipeGroup) throws(PipeError) {
        endpoint.assertOwner()
        guard lifecycle.canSend else { throw .notConnected(lifecycle.missing) }
        if rare.groups.insert(group).inserted { endpoint.groups.add(self, to: group) }
    }

    /// Leaves a group. Has no effect if the connection is not a member.
    public func leave(_ group: PipeGroup) {
        endpoint.assertOwner()
        if rareIfAny?.groups.remove(group) != nil { endpoint.groups.remove(self, from: group) }
    }

    /// Sends one message to all others in a group, whether this connection is in it or not. It is encoded once.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - group: the group whose members get it. A group without members is not an error.
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no member
    ///   gets it.
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

    /// Sends a kept message to all others in a group; see ``publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: PipeMessage, to group: PipeGroup) throws(PipeError) -> PipeServer.BroadcastOutcome {
        try message.withBytes { bytes throws(PipeError) in try publish(bytes, to: group) }
    }

    /// Sends the UTF-8 bytes of a text to all others in a group; see ``publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: String, to group: PipeGroup) throws(PipeError) -> PipeServer.BroadcastOutcome {
        try publish(message.utf8.span, to: group)
    }

    /// Called when the connection can send no more.
    func leaveAllGroups() {
        guard let rare = rareIfAny, !rare.groups.isEmpty else { return }
        for group in rare.groups { endpoint.groups.remove(self, from: group) }
        rare.groups = []
    }
}
