// SPDX-License-Identifier: Apache-2.0

/// The state of a connection between its opening and its one `didCloseWith`: a value, so that it can be tested without
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
/// The output has a state of its own: we may finish sending and continue to receive, and a write may fail while there
/// is still input to read.
///
/// ```
///            finishSending            drained
///     open ───────────────▶ finishing ────────▶ finished
///       │                       │
///       └───── a write fails ───┴────▶ failed: the queue is let go
/// ```
///
/// Five flags accompany the state, and each is set once: the end of the input was read, the server shuts down, the
/// delegate has yet to hear of a failed output, the peer caused the end, the end was reported.
///
/// Its methods are simple enough for the optimiser. With a switch over a tuple of both states, every access to a
/// connection's lifecycle, three a message, was checked for exclusivity at run time (260 instructions instead of 173).
struct ConnectionLifecycle {
    enum State {
        /// The peer may still send.
        case open
        /// The peer sends no more; we still may (half-close, `shutdown(2)` with `SHUT_WR` on its side).
        case finished
        /// The queue is written, nothing is received, and then the connection ends for the reason that was noted.
        case closing
        /// The descriptor is gone.
        case closed
    }

    enum Output: UInt8 {
        /// Messages can be queued.
        case open
        /// The queue is written, then the peer is told that no more comes.
        case finishing
        /// The peer has been told.
        case finished
        /// A write failed (EPIPE): the peer takes no more, but what it sent may still be there to read.
        case failed
    }

    private(set) var state = State.open

    private(set) var output: Output {
        get { Output(rawValue: notes.rawValue & Notes.output) ?? .open }
        set { notes = Notes(rawValue: notes.rawValue & ~Notes.output | newValue.rawValue) }
    }

    // The flags, in one byte: state and flags together must fit into two, or a connection would become larger.
    private var notes: Notes = []

    private struct Notes: OptionSet {
        let rawValue: UInt8

        // The state of the output.
        static let output: UInt8 = 3
        // The end of the stream was read.
        static let inputEnded = Notes(rawValue: 4)
        // The server is stopping: close once everything that has arrived is delivered.
        static let shutsDown = Notes(rawValue: 8)
        // A write has failed for good, and the delegate has yet to hear of it.
        static let outputFailureDue = Notes(rawValue: 16)
        // The end is decided, and the peer caused it.
        static let endsByPeer = Notes(rawValue: 32)
        // The delegate was told of the end.
        static let reported = Notes(rawValue: 64)
    }

    /// Whether both directions are open, and no end was requested.
    var isOpenBothWays: Bool {
        @inline(__always) get { state == .open && notes == [] }
    }

    /// Whether messages may be delivered.
    var isReceiving: Bool { state == .open }

    /// Whether a message may be queued.
    var canSend: Bool { (state == .open || state == .finished) && output == .open }

    /// Whether queued messages may be written.
    var canWrite: Bool {
        @inline(__always) get { state != .closed && (output == .open || output == .finishing) }
    }

    /// Whether the end of the stream was read, even if the connection was already closing.
    var hasInputEnded: Bool { notes.contains(.inputEnded) }

    /// Whether the connection is to close once everything that has arrived is delivered.
    var isShuttingDown: Bool { notes.contains(.shutsDown) }

    /// Whether the decided reason is ``DisconnectReason/closedByPeer``. The most frequent reason needs no memory to
    /// store it: 330 instructions less.
    var endsByPeer: Bool { notes.contains(.endsByPeer) }

    /// Whether the delegate was told of the end.
    var isReported: Bool { notes.contains(.reported) }

    /// A contradiction between the flags and the states, or nil.
    var problem: String? {
        if hasInputEnded, state == .open { return "the input has ended and is still being received" }
        if notes.contains(.outputFailureDue), output != .failed { return "the failure of a working output is due" }
        if endsByPeer, state != .closing, state != .closed { return "its end is decided but has not begun" }
        if isReported, state != .closed { return "an end was reported that has not happened" }
        return nil
    }

    /// What is to be done about the descriptor after a transition.
    enum Action {
        case nothing
        /// Flush, then ask ``queueIsEmpty()``.
        case flush
        /// Tell the peer that no more comes (`shutdown(2)` with `SHUT_WR`).
        case shutDownOutput
        /// Release the queue and tell the owner: nothing more is sent, while receiving continues.
        case abandonOutput
        /// Close the descriptor and report.
        case close
    }

    /// The end of the stream was read, after a whole message.
    mutating func peerDidFinish() {
        switch state {
        case .open:
            state = .finished
            notes.insert(.inputEnded)
        case .finished, .closing, .closed: preconditionFailure("no message is read any more")
        }
    }

    /// The end of the stream was read while the connection closes: in the middle of a frame, or after discarded bytes.
    mutating func inputDidEndWhileClosing() {
        switch state {
        case .closing, .closed: notes.insert(.inputEnded)
        case .open, .finished: preconditionFailure("the peer has finished: peerDidFinish()")
        }
    }

    /// The server is stopping: everything that has arrived is delivered, then the connection closes.
    mutating func shutDown() { notes.insert(.shutsDown) }

    /// Everything that has arrived is delivered, and the owner closes the connection when it has answered.
    mutating func leaveClosingToOwner() { notes.remove(.shutsDown) }

    /// The owner sends nothing more after the queued messages.
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

    /// Nothing is ever sent: there is no output.
    mutating func neverSends() { output = .finished }

    /// The send queue is empty.
    mutating func queueIsEmpty() -> Action {
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
        case .open:
            notes.insert(.outputFailureDue)
            return .abandonOutput
        case .finished, .closing: return .close
        case .closed: return .nothing
        }
    }

    /// Returns, once, whether the delegate is to be told that the output has failed. The report of the connection's end
    /// covers it.
    mutating func takeOutputFailure() -> Bool {
        guard notes.contains(.outputFailureDue) else { return false }
        notes.remove(.outputFailureDue)
        return state != .closed
    }

    /// The reason is decided. A later reason replaces an earlier one.
    mutating func decide(byPeer: Bool) {
        switch state {
        case .closing, .closed:
            if byPeer { notes.insert(.endsByPeer) } else { notes.remove(.endsByPeer) }
        case .open, .finished: preconditionFailure("a reason without an end")
        }
    }

    /// The delegate is told of the end now.
    mutating func report() {
        switch state {
        case .closed:
            precondition(!isReported, "an end is reported once")
            notes.insert(.reported)
        case .open, .finished, .closing: preconditionFailure("an end is reported that has not happened")
        }
    }

    /// The connection is over, whatever is queued. Returns false if it was over before.
    mutating func end() -> Bool {
        guard state != .closed else { return false }
        state = .closed
        return true
    }
}
