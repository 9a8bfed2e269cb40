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
///
/// The output has a life of its own beside that: we may finish sending and go on receiving, and a write may fail while
/// there is still something to read.
///
/// ```
///            finishSending            drained
///     open ───────────────▶ finishing ────────▶ finished
///       │                       │
///       └───── a write fails ───┴────▶ failed: the queue is let go
/// ```
///
/// Its methods are plain enough for the compiler to see through: a switch over a tuple of both had every access to a
/// connection's lifecycle, three a message, checked for exclusivity at run time (260 instructions instead of 173).
struct ConnectionLifecycle {
    enum State {
        /// The peer may still send.
        case open
        /// The peer sends no more; we still may (half-close, `shutdown(2)` with `SHUT_WR` over there).
        case finished
        /// What is queued goes out, nothing comes in, then it ends for the reason that is noted.
        case closing
        /// The descriptor is gone.
        case closed
    }

    enum Output {
        /// Messages can be queued.
        case open
        /// What is queued goes out, then the peer is told that no more comes.
        case finishing
        /// The peer has been told.
        case finished
        /// A write failed (EPIPE): the peer takes nothing any more, but what it sent may still be there to read.
        case failed
    }

    private(set) var state = State.open
    private(set) var output = Output.open

    /// Whether both directions are open.
    var isUsual: Bool { state == .open && output == .open }

    /// Whether messages may be delivered.
    var isReceiving: Bool { state == .open }

    /// Whether a message may be queued.
    var canSend: Bool { (state == .open || state == .finished) && output == .open }

    /// Whether what is queued may be written.
    var canWrite: Bool { state != .closed && (output == .open || output == .finishing) }

    /// What is to be done about the descriptor after a transition.
    enum Action {
        case nothing
        /// Flush, then ask ``didDrain()``.
        case flush
        /// Tell the peer that no more comes (`shutdown(2)` with `SHUT_WR`).
        case shutDownOutput
        /// Let the queue go and tell the owner: nothing leaves any more, and the input goes on.
        case abandonOutput
        /// Close the descriptor and report.
        case close
    }

    /// The end of the stream was read.
    mutating func peerDidFinish() {
        switch state {
        case .open: state = .finished
        case .finished, .closing, .closed: preconditionFailure("nobody reads any more")
        }
    }

    /// The owner has nothing more to send, once the queue is empty.
    mutating func finishSending() -> Action {
        switch state {
        case .open, .finished:
            guard output == .open else { return .nothing }
            output = .finishing
            return .flush
        case .closing, .closed:
            return .nothing
        }
    }

    /// The owner wants the connection to end once the queue is empty.
    mutating func close() -> Action {
        switch state {
        case .open, .finished:
            state = .closing
            return output == .failed ? .close : .flush
        case .closing, .closed:
            // The first reason stands.
            return .nothing
        }
    }

    /// The send queue is empty.
    mutating func didDrain() -> Action {
        if state == .closing { return .close }
        guard output == .finishing, state != .closed else { return .nothing }
        output = .finished
        return .shutDownOutput
    }

    /// A write failed for good. Only the output ends: what the peer sent before stays readable.
    mutating func outputDidFail() -> Action {
        guard output != .failed else { return .nothing }
        output = .failed
        switch state {
        case .open: return .abandonOutput
        case .finished, .closing: return .close
        case .closed: return .nothing
        }
    }

    /// It is over, whatever is queued. False if it was over before.
    mutating func end() -> Bool {
        guard state != .closed else { return false }
        state = .closed
        return true
    }
}
