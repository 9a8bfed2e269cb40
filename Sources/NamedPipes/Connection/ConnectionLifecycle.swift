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
/// Five notes go with it, each of which is made once: that the end of the input was read, that the server shuts down,
/// that the delegate is to hear of a failed output, that the end is the peer's, that the end was reported.
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

    enum Output: UInt8 {
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

    private(set) var output: Output {
        get { Output(rawValue: notes.rawValue & Notes.output) ?? .open }
        set { notes = Notes(rawValue: notes.rawValue & ~Notes.output | newValue.rawValue) }
    }

    // What has to be remembered beside the state, in one byte: two are all that a connection has room for without being
    // larger.
    private var notes: Notes = []

    private struct Notes: OptionSet {
        let rawValue: UInt8

        // The state of the output.
        static let output: UInt8 = 3
        // The end of the stream was read.
        static let inputEnded = Notes(rawValue: 4)
        // The server is stopping: close once what has arrived is delivered.
        static let shutsDown = Notes(rawValue: 8)
        // A write has failed for good, and the delegate is to hear of it.
        static let outputFailureDue = Notes(rawValue: 16)
        // The end is decided, and it is the peer's.
        static let endsByPeer = Notes(rawValue: 32)
        // The delegate has heard of the end.
        static let reported = Notes(rawValue: 64)
    }

    /// Whether both directions are open, and no end has been asked for.
    var isUsual: Bool {
        @inline(__always) get { state == .open && notes == [] }
    }

    /// Whether messages may be delivered.
    var isReceiving: Bool { state == .open }

    /// Whether a message may be queued.
    var canSend: Bool { (state == .open || state == .finished) && output == .open }

    /// Whether what is queued may be written.
    var canWrite: Bool {
        @inline(__always) get { state != .closed && (output == .open || output == .finishing) }
    }

    /// Whether the end of the stream was read: also where the connection was closing by then.
    var hasInputEnded: Bool { notes.contains(.inputEnded) }

    /// Whether the connection is to close once what has arrived is delivered.
    var isShuttingDown: Bool { notes.contains(.shutsDown) }

    /// Whether the end is decided, ``DisconnectReason/closedByPeer``. The usual one needs no memory to be noted in: 330
    /// instructions less.
    var endsByPeer: Bool { notes.contains(.endsByPeer) }

    /// Whether the delegate has heard of the end.
    var isReported: Bool { notes.contains(.reported) }

    /// What is wrong with the notes, or nil.
    var problem: String? {
        if hasInputEnded, state == .open { return "the input has ended and is received" }
        if notes.contains(.outputFailureDue), output != .failed { return "a failure is due of an output that works" }
        if endsByPeer, state != .closing, state != .closed { return "its end is decided and not begun" }
        if isReported, state != .closed { return "an end was reported that has not come" }
        return nil
    }

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

    /// The end of the stream was read, behind a whole message.
    mutating func peerDidFinish() {
        switch state {
        case .open:
            state = .finished
            notes.insert(.inputEnded)
        case .finished, .closing, .closed: preconditionFailure("no message is read any more")
        }
    }

    /// The end of the stream was read while the connection closes: in the middle of a frame, or behind what is
    /// discarded.
    mutating func inputDidEndWhileClosing() {
        switch state {
        case .closing, .closed: notes.insert(.inputEnded)
        case .open, .finished: preconditionFailure("the peer has finished: peerDidFinish()")
        }
    }

    /// The server is stopping: what has arrived is delivered, then the connection closes.
    mutating func shutDown() { notes.insert(.shutsDown) }

    /// What has arrived is delivered, and the owner closes when it has answered.
    mutating func leaveClosingToOwner() { notes.remove(.shutsDown) }

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
        case .open:
            notes.insert(.outputFailureDue)
            return .abandonOutput
        case .finished, .closing: return .close
        case .closed: return .nothing
        }
    }

    /// Returns whether the delegate is to hear that the output has failed, once. The end of a connection says it all.
    mutating func takeOutputFailure() -> Bool {
        guard notes.contains(.outputFailureDue) else { return false }
        notes.remove(.outputFailureDue)
        return state != .closed
    }

    /// The reason is decided. A later one takes the place of an earlier one.
    mutating func decide(byPeer: Bool) {
        switch state {
        case .closing, .closed:
            if byPeer { notes.insert(.endsByPeer) } else { notes.remove(.endsByPeer) }
        case .open, .finished: preconditionFailure("a reason without an end")
        }
    }

    /// The delegate hears of the end now.
    mutating func report() {
        switch state {
        case .closed:
            precondition(!isReported, "an end is reported once")
            notes.insert(.reported)
        case .open, .finished, .closing: preconditionFailure("an end that has not come")
        }
    }

    /// It is over, whatever is queued. False if it was over before.
    mutating func end() -> Bool {
        guard state != .closed else { return false }
        state = .closed
        return true
    }
}
