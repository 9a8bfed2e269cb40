// SPDX-License-Identifier: Apache-2.0

/// Where a connection stands between its opening and its one `didCloseWith`: a value, so that it can be tested without
/// a socket. Its methods say what to do; ``PipeConnection`` does it.
///
/// ```
///            peerDidFinish             close               close
///     open ───────────────▶ finished ─────────▶ closing ◀───────── open
///       │                      │                   │ drained, output failed, abort
///       └───────── end ────────┴────────┬──────────┘
///                                       ▼
///                                    closed
/// ```
struct ConnectionLifecycle {
    enum State {
        /// Both directions work.
        case open
        /// The peer sends no more; we still may (half-close, `shutdown(2)` with `SHUT_WR` over there).
        case finished
        /// What is queued goes out, nothing comes in, then it ends for the reason that is noted.
        case closing
        /// The descriptor is gone.
        case closed
    }

    private(set) var state: State = .open

    /// Whether the output failed (EPIPE): the peer takes nothing any more, but what it sent may still be there to read.
    private(set) var hasOutputFailed = false

    /// Whether messages may be delivered.
    var isReceiving: Bool { state == .open }

    /// Whether a message may be queued.
    var canSend: Bool { (state == .open || state == .finished) && !hasOutputFailed }

    /// Whether what is queued may be written.
    var canWrite: Bool { state != .closed && !hasOutputFailed }

    /// What is to be done about the descriptor after a transition.
    enum Action {
        case nothing
        /// Flush, then call ``didDrain()``.
        case flush
        /// Close the descriptor and report.
        case close
    }

    /// The end of the stream was read.
    mutating func peerDidFinish() -> Action {
        switch state {
        case .open:
            state = .finished
            return .nothing
        case .finished, .closing, .closed:
            // finished: the end is readable again and again. closing, closed: nobody reads any more.
            return .nothing
        }
    }

    /// The owner wants the connection to end once the queue is empty.
    mutating func close() -> Action {
        switch state {
        case .open, .finished:
            state = .closing
            return hasOutputFailed ? .close : .flush
        case .closing, .closed:
            // The first reason stands.
            return .nothing
        }
    }

    /// The send queue has become empty, or was.
    func didDrain() -> Action {
        state == .closing ? .close : .nothing
    }

    /// A write failed for good. Only the output ends: what the peer sent before stays readable.
    mutating func outputDidFail() -> Action {
        hasOutputFailed = true
        switch state {
        case .open, .closed: return .nothing
        case .finished, .closing: return .close
        }
    }

    /// It is over, whatever is queued. False if it was over before.
    mutating func end() -> Bool {
        guard state != .closed else { return false }
        state = .closed
        return true
    }
}
