// SPDX-License-Identifier: Apache-2.0

/// The reason for which a connection ended. A value that arrives with the end, not an error that is thrown.
@nonexhaustive
public enum DisconnectReason: Hashable, Sendable {
    /// ``PipeConnection/close()`` or ``PipeConnection/abort()`` was called here, or the client disconnected.
    case closedLocally

    /// The peer closed, or finished sending and was answered. Everything it sent was delivered.
    case closedByPeer

    /// The peer closed while bytes that we had sent were unread at its end (`ECONNRESET`). Everything it sent was
    /// delivered.
    case resetByPeer

    /// The peer finished in the middle of a message. `missingByteCount` is the size of the missing part of the frame,
    /// if the framing knows it.
    case truncatedByPeer(missingByteCount: Int?)

    /// The peer did not take the queued messages within ``PipeConnection/Configuration/closeTimeout`` after
    /// ``PipeConnection/close()``, or its queue had no room and ``PipeConnection/SlowReaderPolicy/disconnect`` is the
    /// policy. A connection that ends for any other reason keeps that reason, even if the peer does not take the queued
    /// messages.
    case slowReader

    /// The peer began a frame and did not complete it within ``PipeConnection/Configuration/frameDeadline``.
    case frameTimeout

    /// Something was queued, and the peer took nothing for ``PipeConnection/Configuration/writeStallDeadline``.
    case writeStalled

    /// The peer no longer reads (`EPIPE`: it has shut its reading down, `shutdown(2)` with `SHUT_RD`), and has sent
    /// nothing since then for ``PipeConnection/Configuration/writeStallDeadline`` either. Everything it sent was
    /// delivered. See ``PipeConnectionDelegate/connection(_:didFailSendingWith:)``.
    case outputFailed

    /// Nothing was received or sent for ``PipeConnection/Configuration/idleLimit``.
    case idle

    /// The connection was open for ``PipeConnection/Configuration/ageLimit``.
    case ageLimit

    /// There was no room for the bytes that the connection holds or has queued: it exceeds its own share, or it was the
    /// largest holder when a budget of its user or of the server was exhausted; see
    /// ``PipeServer/Configuration/byteBudget``.
    case budgetExceeded(ExceededBudget)

    /// The server stopped.
    case serverStopped

    /// ``PipeConnection/detach(_:)`` has taken the connection away. It goes on elsewhere, and the peer noticed nothing.
    case detached

    /// The program at the other end, which the client started, has ended
    /// (``PipeClient/init(spawning:configuration:reactor:delegate:)``). Every whole message that it sent was delivered.
    case programEnded(ChildExit)

    /// The peer sent descriptors (`SCM_RIGHTS`, unix(7)), which are never accepted here; they were closed. Bytes that
    /// had arrived before them, or with them, were delivered. Only on kernels older than Linux 6.16: later ones refuse
    /// to send them.
    case descriptorsReceived

    /// The session over a broker was lost, and the other end did not close it.
    case sessionLost(SessionLoss)

    /// The exchange of descriptors failed: the peer sent others than it announced or more than it may, or takes none.
    /// All descriptors that no message had claimed were closed. Messages before that were delivered.
    case descriptors(DescriptorProblem)

    /// The received bytes violate the framing. Everything before them was delivered; nothing after them was examined.
    case framing(FramingError)

    /// A system call on the connection failed in a way that no other case describes.
    case system(SystemError)
}
