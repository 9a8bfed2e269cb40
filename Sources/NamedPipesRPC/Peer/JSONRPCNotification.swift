// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// A notification of JSON-RPC 2.0 (section 4.1) for many receivers, encoded once.
///
/// ```swift
/// try server.publish("jobDone", Job(id: 7), to: "watchers")
///
/// let done = try JSONRPCNotification("jobDone", Job(id: 7))
/// try server.broadcast(done.message)
/// ```
///
/// ``JSONRPCPeer/notify(_:_:)`` sends one to the other end of a single connection.
public struct JSONRPCNotification: Hashable, Sendable {
    /// The message, as UTF-8: to broadcast, to publish, or to send.
    public let message: [UInt8]

    /// Encodes a notification with parameters.
    ///
    /// - Parameters:
    ///   - method: the method's name.
    ///   - params: the parameters; JSON-RPC requires that they become an object or an array.
    ///   - coding: the encoding of the parameters. The default is Foundation's.
    /// - Throws: ``JSONRPCRequestFailure/paramsNotStructured(_:)``; the encoder's errors.
    public init(_ method: String, _ params: some Encodable, coding: JSONCoding = JSONCoding()) throws {
        let params = try coding.encode(params)
        guard params.isStructured else { throw JSONRPCRequestFailure.paramsNotStructured(params) }
        message = OutgoingMessage.request(method, params, id: nil)
    }

    /// Encodes a notification without parameters.
    public init(_ method: String) { message = OutgoingMessage.request(method, nil, id: nil) }
}

extension PipeServer {
    /// Sends a notification of JSON-RPC to all connections in a group, encoded once; see
    /// `PipeServer.publish(_:to:except:)`.
    ///
    /// - Parameters:
    ///   - method: the method's name.
    ///   - params: the parameters; they become an object or an array.
    ///   - group: the group whose members get it.
    ///   - excluded: a connection that does not get it. The default is none.
    ///   - coding: the encoding of the parameters. The default is Foundation's.
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: as ``JSONRPCNotification/init(_:_:coding:)``; the errors of `publish`. In this case no member gets it.
    @discardableResult
    public func publish(
        _ method: String, _ params: some Encodable, to group: PipeGroup, except excluded: PipeConnection.ID? = nil,
        coding: JSONCoding = JSONCoding()
    ) throws -> BroadcastOutcome {
        try publish(JSONRPCNotification(method, params, coding: coding).message, to: group, except: excluded)
    }
}

extension AsyncPipeConnection {
    /// Sends a notification of JSON-RPC to all others in a group, encoded once; see
    /// `PipeServer.publish(_:_:to:except:coding:)`.
    @discardableResult
    public func publish(
        _ method: String, _ params: some Encodable, to group: PipeGroup, coding: JSONCoding = JSONCoding()
    ) throws -> PipeServer.BroadcastOutcome {
        try publish(JSONRPCNotification(method, params, coding: coding).message, to: group)
    }
}

extension PipeServerPool {
    /// Sends a notification of JSON-RPC to all members of a group on all workers, encoded once; see
    /// `PipeServerPool.publish(_:to:)`.
    @discardableResult
    public func publish(
        _ method: String, _ params: some Encodable & Sendable, to group: PipeGroup, coding: JSONCoding = JSONCoding()
    ) async throws -> PipeServer.BroadcastOutcome {
        try await publish(JSONRPCNotification(method, params, coding: coding).message, to: group)
    }
}
