// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// One message for connections of all workers: encoded once, shared by all queues, with one wake-up for each worker.

extension PipeServerPool {
    /// Sends one message to the connections of all workers, or to those that a filter selects, and waits for the
    /// verdicts, not for the peers.
    ///
    /// The messages of one task arrive in the order in which they were sent.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - filter: called with each connection, on its worker's thread. The default selects all.
    /// - Returns: how many connections took it, and which refused it, of all workers together.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no client
    ///   gets it.
    @discardableResult
    public func broadcast(
        _ message: [UInt8], where filter: @escaping @Sendable (PipeConnection) -> Bool = { _ in true }
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        let frame = try SharedFrame(message.span, configuration.connection.framing)
        return .sum(of: await ask { $0.send(frame, where: filter) })
    }

    /// Sends the UTF-8 bytes of a text to the connections of all workers and waits for the verdicts; see
    /// `broadcast(_:where:)` of bytes.
    @discardableResult
    public func broadcast(
        _ message: String, where filter: @escaping @Sendable (PipeConnection) -> Bool = { _ in true }
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        let frame = try SharedFrame(message.utf8.span, configuration.connection.framing)
        return .sum(of: await ask { $0.send(frame, where: filter) })
    }

    /// Sends one message to the connections of all workers without waiting, for example from a callback of one of them:
    /// `server.pool?.postBroadcast(message)`.
    ///
    /// All connections get it in a later turn of their loops, those of the calling worker too.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum. They are encoded before this returns.
    ///   - filter: called with each connection, on its worker's thread. The default selects all.
    ///   - report: receives the outcome of all workers together, on the thread of one of them. The default ignores it.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no client
    ///   gets it.
    public func postBroadcast(
        _ message: Span<UInt8>, where filter: @escaping @Sendable (PipeConnection) -> Bool = { _ in true },
        then report: @escaping @Sendable (PipeServer.BroadcastOutcome) -> Void = { _ in }
    ) throws(PipeError) {
        let frame = try SharedFrame(message, configuration.connection.framing)
        ask({ $0.send(frame, where: filter) }, then: { report(.sum(of: $0)) })
    }

    /// Sends the UTF-8 bytes of a text to the connections of all workers without waiting; see `postBroadcast` of bytes.
    public func postBroadcast(
        _ message: String, where filter: @escaping @Sendable (PipeConnection) -> Bool = { _ in true },
        then report: @escaping @Sendable (PipeServer.BroadcastOutcome) -> Void = { _ in }
    ) throws(PipeError) {
        try postBroadcast(message.utf8.span, where: filter, then: report)
    }
}

// MARK: - Groups

extension PipeServerPool {
    /// Sends one message to the connections of a group at all workers, and waits for the verdicts, not for the peers.
    ///
    /// A connection joins with ``PipeConnection/join(_:)``, as with a plain server. The group of that name at each
    /// worker is a part of the pool's group; ``PipeServer/publish(_:to:except:)-(Span<UInt8>,_,_)`` of a worker's
    /// server reaches its part alone.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - group: the group whose members get it.
    ///   - excluded: a connection that does not get it, such as the author's. The default is none.
    /// - Returns: how many connections took it, and which refused it, of all workers together.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no member
    ///   gets it.
    @discardableResult
    public func publish(
        _ message: [UInt8], to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        let frame = try SharedFrame(message.span, configuration.connection.framing)
        return .sum(of: await ask { $0.send(frame, to: group, except: excluded) })
    }

    /// Sends the UTF-8 bytes of a text to the connections of a group at all workers; see `publish(_:to:except:)` of
    /// bytes.
    @discardableResult
    public func publish(
        _ message: String, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        let frame = try SharedFrame(message.utf8.span, configuration.connection.framing)
        return .sum(of: await ask { $0.send(frame, to: group, except: excluded) })
    }

    /// Sends one message to the connections of a group at all workers without waiting, for example from a callback of
    /// one of them: `server.pool?.post(message, to: group, except: connection.id)`.
    ///
    /// All members get it in a later turn of their loops, those of the calling worker too.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum. They are encoded before this returns.
    ///   - group: the group whose members get it.
    ///   - excluded: a connection that does not get it, such as the author's. The default is none.
    ///   - report: receives the outcome of all workers together, on the thread of one of them. The default ignores it.
    /// - Throws: ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``; in this case no member
    ///   gets it.
    public func post(
        _ message: Span<UInt8>, to group: PipeGroup, except excluded: PipeConnection.ID? = nil,
        then report: @escaping @Sendable (PipeServer.BroadcastOutcome) -> Void = { _ in }
    ) throws(PipeError) {
        let frame = try SharedFrame(message, configuration.connection.framing)
        ask({ $0.send(frame, to: group, except: excluded) }, then: { report(.sum(of: $0)) })
    }

    /// Sends the UTF-8 bytes of a text to the connections of a group at all workers without waiting; see
    /// `post(_:to:except:then:)` of bytes.
    public func post(
        _ message: String, to group: PipeGroup, except excluded: PipeConnection.ID? = nil,
        then report: @escaping @Sendable (PipeServer.BroadcastOutcome) -> Void = { _ in }
    ) throws(PipeError) {
        try post(message.utf8.span, to: group, except: excluded, then: report)
    }

    /// The number of connections in a group, at all workers.
    public func memberCount(of group: PipeGroup) async -> Int {
        await ask { $0.memberCount(of: group) }.reduce(0) { $0 + ($1 ?? 0) }
    }
}

// MARK: - The frame

/// An encoded message for queues on several threads.
///
/// Sending it from several threads is safe: nothing changes a frame that has other owners, and this is one until the
/// last worker has come to its turn. Its memory belongs to no reactor's pool, so any thread may release it.
private struct SharedFrame: Sendable {
    nonisolated(unsafe) let buffer: SharedBuffer
    /// For connections that have changed their framing.
    let message: [UInt8]

    init(_ message: Span<UInt8>, _ framing: any MessageFraming) throws(PipeError) {
        unsafe buffer = try SharedBuffer(encoding: message, framing)
        self.message = [UInt8](capacity: message.count) { output in
            for index in message.indices { output.append(message[index]) }
        }
    }
}

extension PipeServer {
    fileprivate func send(_ frame: SharedFrame, where filter: (PipeConnection) -> Bool) -> BroadcastOutcome {
        unsafe endpoint.sendToEach(frame.message.span, as: frame.buffer) { send in
            endpoint.forEachConnection { if filter($0) { send($0) } }
        }
    }

    fileprivate func send(
        _ frame: SharedFrame, to group: PipeGroup, except excluded: PipeConnection.ID?
    ) -> BroadcastOutcome {
        let members = endpoint.groups.connections(in: group)
        return unsafe endpoint.sendToEach(frame.message.span, as: frame.buffer) { send in
            for connection in members where connection.id != excluded { send(connection) }
        }
    }
}

extension PipeServer.BroadcastOutcome {
    fileprivate static func sum(of outcomes: [Self?]) -> Self {
        outcomes.reduce(into: Self()) { sum, outcome in
            guard let outcome else { return }
            sum.acceptedCount += outcome.acceptedCount
            sum.droppedCount += outcome.droppedCount
            sum.displacedMessageCount += outcome.displacedMessageCount
            sum.refusals.merge(outcome.refusals) { first, _ in first }
        }
    }
}
