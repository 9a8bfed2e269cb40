// SPDX-License-Identifier: Apache-2.0
#if Service
public import NamedPipes
public import NamedPipesRPC

extension PipeService {
    /// A reference to the server, which works on every thread: `service.reference?.perform { $0.publish(…) }`. Nil
    /// before it listens, after it has stopped, and for a service with ``Workers``, which has a ``pool``.
    public var reference: ReactorReference<PipeServer>? {
        if case .server(let reference) = serving.current { reference } else { nil }
    }

    /// The pool of a service with ``Workers``, which may be used on every thread. Nil before it listens, after it has
    /// stopped, and for a service with one reactor, which has a ``reference``.
    public var pool: PipeServerPool? {
        if case .pool(let pool) = serving.current { pool } else { nil }
    }

    /// Sends one message to all connections in a group, of all workers if there are several, and waits for the
    /// outcome, not for the peers. From any task: a timer's, or another service's.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - group: the group, which handlers join with `AsyncPipeConnection.join(_:)`. A group without members is not an
    ///     error.
    ///   - excluded: a connection that does not get it. The default is none.
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: `PipeError.notListening` before the service listens and after it has stopped;
    ///   `PipeError.messageTooLarge` or `PipeError.framing`. In these cases no member gets it.
    @discardableResult
    public func publish(
        _ message: [UInt8], to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        switch serving.current {
        case .none: throw .notListening
        case .server(let reference): try await reference.publish(message, to: group, except: excluded)
        case .pool(let pool): try await pool.publish(message, to: group, except: excluded)
        }
    }

    /// Sends the UTF-8 bytes of a text to all connections in a group; see `publish(_:to:except:)` of bytes.
    @discardableResult
    public func publish(
        _ message: String, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        try await publish(Array(message.utf8), to: group, except: excluded)
    }

    /// Sends a notification of JSON-RPC to all connections in a group; see `publish(_:to:except:)` of bytes.
    ///
    /// - Parameters:
    ///   - method: the method's name.
    ///   - params: the parameters; they become an object or an array.
    ///   - group: the group whose members get it.
    ///   - excluded: a connection that does not get it. The default is none.
    ///   - coding: the encoding of the parameters. The default is Foundation's.
    /// - Throws: as `JSONRPCNotification.init`, and as `publish(_:to:except:)` of bytes.
    @discardableResult
    public func publish(
        _ method: String, _ params: some Encodable, to group: PipeGroup, except excluded: PipeConnection.ID? = nil,
        coding: JSONCoding = JSONCoding()
    ) async throws -> PipeServer.BroadcastOutcome {
        try await publish(JSONRPCNotification(method, params, coding: coding).message, to: group, except: excluded)
    }
}
#endif
