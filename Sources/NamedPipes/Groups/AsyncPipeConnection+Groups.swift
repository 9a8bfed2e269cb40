// SPDX-License-Identifier: Apache-2.0

extension AsyncPipeConnection {
    /// The groups that this connection has joined.
    public var groups: Set<PipeGroup> { unsafe state.connection.groups }

    /// Joins a group of the server; see ``PipeConnection/join(_:)``.
    ///
    /// A published message counts like any other message that is sent here: if the peer reads too slowly, the
    /// ``PipeConnection/Configuration/slowReaderPolicy`` decides. Publishing does not wait for any connection.
    ///
    /// - Throws: ``PipeError/notConnected(_:)`` if nothing can be sent any more.
    public func join(_ group: PipeGroup) throws { try unsafe state.connection.join(group) }

    /// Leaves a group. Has no effect if the connection is not a member.
    public func leave(_ group: PipeGroup) { unsafe state.connection.leave(group) }

    /// Sends one message to all others in a group; see ``PipeConnection/publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: [UInt8], to group: PipeGroup) throws -> PipeServer.BroadcastOutcome {
        try unsafe state.connection.publish(message, to: group)
    }

    /// Sends a received or kept message to all others in a group; see
    /// ``PipeConnection/publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: PipeMessage, to group: PipeGroup) throws -> PipeServer.BroadcastOutcome {
        try unsafe state.connection.publish(message, to: group)
    }

    /// Sends the UTF-8 bytes of a text to all others in a group; see ``PipeConnection/publish(_:to:)-(Span<UInt8>,_)``.
    @discardableResult
    public func publish(_ message: String, to group: PipeGroup) throws -> PipeServer.BroadcastOutcome {
        try unsafe state.connection.publish(message, to: group)
    }
}
