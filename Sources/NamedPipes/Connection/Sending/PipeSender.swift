// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

/// Sends on a connection from other threads. It holds the connection's identifier, not the connection.
///
/// The messages of one thread arrive in the order in which they were sent. Each becomes work for the reactor; a burst
/// wakes it once. When the connection has ended, messages are dropped and counted.
///
/// ```swift
/// let sender = connection.sender          // on the reactor
/// Thread.detachNewThread { sender.post(Array("tick".utf8)) }
/// ```
public struct PipeSender: Sendable {
    /// The connection that it sends on.
    public let connectionID: PipeConnection.ID

    private let reference: ReactorReference<PipeConnection>
    private let shared: Shared

    /// What all senders of one connection share.
    final class Shared: Sendable {
        let dropped = Atomic(0)
    }

    init(_ executor: ReactorExecutor, _ key: UInt64, _ shared: Shared) {
        connectionID = PipeConnection.ID(rawValue: key)
        reference = ReactorReference(executor, key: key)
        self.shared = shared
    }

    /// How many messages that the senders of this connection passed to ``post(_:)-([UInt8])`` were refused, dropped for
    /// a slow reader, or came too late.
    public var droppedMessageCount: Int { shared.dropped.load(ordering: .relaxed) }

    /// Sends one message without waiting for the verdict. From any thread.
    ///
    /// A message that is refused, for any of the reasons of ``PipeConnection/send(_:)-(Span<UInt8>)``, or that the
    /// slow-reader policy drops, is counted in ``droppedMessageCount``.
    public func post(_ message: [UInt8]) { post { connection throws(PipeError) in try connection.send(message) } }

    /// Sends a copy of the bytes; see ``post(_:)-([UInt8])``.
    public func post(_ message: Span<UInt8>) { post(PipeMessage(copying: message)) }

    /// Sends the UTF-8 bytes of a text; see ``post(_:)-([UInt8])``.
    public func post(_ message: String) { post { connection throws(PipeError) in try connection.send(message) } }

    /// Sends a kept message, which is not copied; see ``post(_:)-([UInt8])``.
    public func post(_ message: PipeMessage) { post { connection throws(PipeError) in try connection.send(message) } }

    /// Sends one message and waits for the verdict, not for the peer. From any task.
    ///
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:)-(Span<UInt8>)``; ``PipeError/notConnected(_:)`` if the connection has
    ///   ended.
    @discardableResult
    public func send(_ message: [UInt8]) async throws(PipeError) -> PipeConnection.SendVerdict {
        try await submit { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends the UTF-8 bytes of a text; see ``send(_:)-([UInt8])``.
    @discardableResult
    public func send(_ message: String) async throws(PipeError) -> PipeConnection.SendVerdict {
        try await submit { connection throws(PipeError) in try connection.send(message) }
    }

    /// Sends a kept message, which is not copied; see ``send(_:)-([UInt8])``. A span becomes one with
    /// ``PipeMessage/init(copying:)-(Span<UInt8>)``.
    @discardableResult
    public func send(_ message: PipeMessage) async throws(PipeError) -> PipeConnection.SendVerdict {
        try await submit { connection throws(PipeError) in try connection.send(message) }
    }

    // MARK: Groups

    /// Sends one message to all connections of a group at the connection's server, without waiting for the outcome.
    /// From any thread.
    ///
    /// - Parameters:
    ///   - message: its bytes; it is encoded once.
    ///   - group: the group, of which this connection need not be a member.
    ///   - excluded: a connection that does not get it, such as the sender's own. The default is none.
    ///
    /// If the message reaches no member, because the framing refuses it or the connection has ended, it is counted in
    /// ``droppedMessageCount``.
    public func post(_ message: PipeMessage, to group: PipeGroup, except excluded: PipeConnection.ID? = nil) {
        submit { connection throws(PipeError) in
            try connection.publish(message, to: group, except: excluded)
        } then: { [shared] outcome in
            if case .failure = outcome { shared.dropped.add(1, ordering: .relaxed) }
        }
    }

    /// Sends one message to all connections of a group at the connection's server, and waits for the outcome, not for
    /// the peers. From any task; see ``PipeServer/publish(_:to:except:)-(PipeMessage,_,_)``.
    ///
    /// - Returns: how many connections took it, and which refused it.
    /// - Throws: ``PipeError/notConnected(_:)`` if the connection has ended, or is a client's;
    ///   ``PipeError/messageTooLarge(byteCount:limit:)`` or ``PipeError/framing(_:)``.
    @discardableResult
    public func publish(
        _ message: PipeMessage, to group: PipeGroup, except excluded: PipeConnection.ID? = nil
    ) async throws(PipeError) -> PipeServer.BroadcastOutcome {
        try await submit { connection throws(PipeError) in
            try connection.publish(message, to: group, except: excluded)
        }
    }

    // MARK: The way to the reactor

    func post(_ send: @escaping @Sendable (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict) {
        submit(send) { [shared] verdict in
            switch verdict {
            case .failure, .success(.dropped): shared.dropped.add(1, ordering: .relaxed)
            case .success: break
            }
        }
    }

    func submit<Success: Sendable>(
        _ send: @escaping @Sendable (PipeConnection) throws(PipeError) -> Success
    ) async throws(PipeError) -> Success {
        let result = unsafe await withUnsafeContinuation { continuation in
            submit(send) { unsafe continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    private func submit<Success: Sendable>(
        _ send: @escaping @Sendable (PipeConnection) throws(PipeError) -> Success,
        then report: @escaping @Sendable (Result<Success, PipeError>) -> Void
    ) {
        let submission = Submission(orElse: .notConnected(.ended), report)
        reference.executor.post { [reference] reactor in
            guard let connection = reference.resolve(on: reactor) else { return }
            submission.finish(Result { () throws(PipeError) in try send(connection) })
        }
    }
}

extension PipeConnection {
    /// Publishes at the server of this connection.
    fileprivate func publish(
        _ message: PipeMessage, to group: PipeGroup, except excluded: ID?
    ) throws(PipeError) -> PipeServer.BroadcastOutcome {
        guard let server, lifecycle.state != .closed else { throw .notConnected(lifecycle.missing) }
        return try server.publish(message, to: group, except: excluded)
    }
}

/// The promise of a verdict or outcome. If the connection, the server or the reactor is gone, nothing gives one, and
/// the deinitialiser does.
final class Submission<Success: Sendable>: Sendable {
    private let report: @Sendable (Result<Success, PipeError>) -> Void
    private let isReported = Atomic(false)
    private let absence: PipeError

    /// - Parameters:
    ///   - absence: the error if nothing gives a verdict.
    ///   - report: receives the verdict, on the reactor's thread or on that of the last owner.
    init(orElse absence: PipeError, _ report: @escaping @Sendable (Result<Success, PipeError>) -> Void) {
        self.absence = absence
        self.report = report
    }

    func finish(_ verdict: Result<Success, PipeError>) {
        if !isReported.exchange(true, ordering: .relaxed) { report(verdict) }
    }

    deinit { finish(.failure(absence)) }
}
