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

    /// How many messages that the senders of this connection passed to ``post(_:)`` were refused, dropped for a slow
    /// reader, or came too late.
    public var droppedMessageCount: Int { shared.dropped.load(ordering: .relaxed) }

    /// Sends one message without waiting for the verdict. From any thread.
    ///
    /// A message that is refused, for any of the reasons of ``PipeConnection/send(_:)-(Span<UInt8>)``, or that the
    /// slow-reader policy drops, is counted in ``droppedMessageCount``.
    public func post(_ message: [UInt8]) {
        submit(message) { [shared] verdict in
            switch verdict {
            case .failure, .success(.dropped): shared.dropped.add(1, ordering: .relaxed)
            case .success: break
            }
        }
    }

    /// Sends one message and waits for the verdict, not for the peer. From any task.
    ///
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:)-(Span<UInt8>)``; ``PipeError/notConnected`` if the connection has ended.
    @discardableResult
    public func send(_ message: [UInt8]) async throws(PipeError) -> PipeConnection.SendVerdict {
        let verdict = unsafe await withUnsafeContinuation { continuation in
            submit(message) { unsafe continuation.resume(returning: $0) }
        }
        return try verdict.get()
    }

    private func submit(
        _ message: [UInt8], then report: @escaping @Sendable (Result<PipeConnection.SendVerdict, PipeError>) -> Void
    ) {
        let submission = Submission(report)
        reference.executor.post { [reference] reactor in
            guard let connection = reference.resolve(on: reactor) else { return }
            submission.finish(Result { () throws(PipeError) in try connection.send(message) })
        }
    }
}

/// The promise of a verdict. If the connection or the reactor is gone, nothing gives a verdict, and the deinitialiser
/// does.
private final class Submission: Sendable {
    private let report: @Sendable (Result<PipeConnection.SendVerdict, PipeError>) -> Void
    private let isReported = Atomic(false)

    init(_ report: @escaping @Sendable (Result<PipeConnection.SendVerdict, PipeError>) -> Void) { self.report = report }

    func finish(_ verdict: Result<PipeConnection.SendVerdict, PipeError>) {
        if !isReported.exchange(true, ordering: .relaxed) { report(verdict) }
    }

    deinit { finish(.failure(.notConnected)) }
}
