// SPDX-License-Identifier: Apache-2.0

/// Why a connection ended. A value that arrives with the end, not an error that is thrown.
@nonexhaustive
public enum DisconnectReason: Hashable, Sendable {
    /// ``PipeConnection/close()`` or ``PipeConnection/abort()`` was called here, or the client disconnected.
    case closedLocally

    /// The peer closed, or finished sending and was answered. Everything it sent was delivered.
    case closedByPeer

    /// The peer closed while bytes that we had sent lay unread with it (`ECONNRESET`). Everything it sent was
    /// delivered.
    case resetByPeer

    /// The peer finished in the middle of a message. `missingByteCount` is how much of the frame was still to come,
    /// where the framing knows.
    case truncatedByPeer(missingByteCount: Int?)

    /// The peer did not take what was queued for it within ``PipeConnection/Configuration/closeTimeout`` after
    /// ``PipeConnection/close()``, or its queue had no room and ``PipeConnection/SlowReaderPolicy/disconnect`` is the
    /// policy. A connection that ends for any other reason keeps that one, also where the peer does not take what is
    /// queued.
    case slowReader

    /// The peer began a frame and did not complete it within ``PipeConnection/Configuration/frameDeadline``.
    case frameTimeout

    /// Something was queued, and the peer took nothing for ``PipeConnection/Configuration/writeStallDeadline``.
    case writeStalled

    /// The peer takes nothing any more (`EPIPE`: it has shut its reading down, `shutdown(2)` with `SHUT_RD`), and has
    /// then said nothing either for ``PipeConnection/Configuration/writeStallDeadline``. Everything it sent was
    /// delivered. See ``PipeConnectionDelegate/connection(_:didFailSendingWith:)``.
    case outputFailed

    /// Nothing came in and nothing went out for ``PipeConnection/Configuration/idleLimit``.
    case idle

    /// The connection was open for ``PipeConnection/Configuration/ageLimit``.
    case ageLimit

    /// No room was left for what the connection holds or has queued: it exceeds its own share, or it was the largest
    /// holder when a budget of its user or of the server was used up; see ``PipeServer/Configuration/byteBudget``.
    case budgetExceeded(ExceededBudget)

    /// The server stopped.
    case serverStopped

    /// The peer sent descriptors (`SCM_RIGHTS`, unix(7)), which are never accepted here; they were closed. What had
    /// arrived before them, or with them, was delivered. Only on kernels older than Linux 6.16: later ones refuse to
    /// send them.
    case descriptorsReceived

    /// What arrived is not what the framing allows. Everything before it was delivered, nothing behind it was looked
    /// at.
    case framing(FramingError)

    /// A system call on the connection failed in a way that no other case describes.
    case system(SystemError)
}
