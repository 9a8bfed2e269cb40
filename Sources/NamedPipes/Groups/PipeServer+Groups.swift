// SPDX-License-Identifier: Apache-2.0

extension PipeServer {
    /// All groups that have a member among this server's connections.
    public var groups: Set<PipeGroup> { Set(endpoint.groups.groups) }

    /// The number of connections in a group.
    public func memberCount(of group: PipeGroup) -> Int { endpoint.groups.count(of: group) }

    /// Sends one message to all connections in a group. It is encoded once, and only members cost anything: for a few
    /// of many connections, this is cheaper than ``broadcast(_:where:)-(Span<UInt8>,_)`` with a filter.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - group: the group whose members get it. A group without members is not an error.
    ///   - excluded: a connection that does not get it, such as the author's. The default is none.
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no member
    ///   gets it.
    @discardableResult
    public func publish(
        _ message: Span<UInt8>, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) throws(PipeError) -> BroadcastOutcome {
        try endpoint.publish(message, to: group, except: excluded)
    }

    /// Sends one message to all connections in a group; see ``publish(_:to:except:)-(Span<UInt8>,_,_)``.
    @discardableResult
    public func publish(
        _ message: [UInt8], to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) throws(PipeError) -> BroadcastOutcome {
        try publish(message.span, to: group, except: excluded)
    }

    /// Sends a kept message to all connections in a group; see ``publish(_:to:except:)-(Span<UInt8>,_,_)``.
    @discardableResult
    public func publish(
        _ message: PipeMessage, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) throws(PipeError) -> BroadcastOutcome {
        try message.withBytes { bytes throws(PipeError) in try publish(bytes, to: group, except: excluded) }
    }

    /// Sends the UTF-8 bytes of a text to all connections in a group; see ``publish(_:to:except:)-(Span<UInt8>,_,_)``.
    @discardableResult
    public func publish(
        _ message: String, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) throws(PipeError) -> BroadcastOutcome {
        try publish(message.utf8.span, to: group, except: excluded)
    }
}

extension Endpoint {
    func publish(
        _ message: Span<UInt8>, to group: PipeGroup, except excluded: PipeConnection.ID?
    ) throws(PipeError) -> PipeServer.BroadcastOutcome {
        // A copy of the list: a connection that ends meanwhile leaves the group.
        let members = groups.connections(in: group)
        return try sendToEach(message) { send in
            for connection in members where connection.id != excluded { send(connection) }
        }
    }
}
