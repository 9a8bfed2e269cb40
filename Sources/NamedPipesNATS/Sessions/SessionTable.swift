// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import PipeReactor

/// The sessions of a link, and the openings that wait for an answer, by their tokens.
struct SessionTable {
    private enum Entry {
        case session(NATSSession)
        case dial(SessionDial)
    }

    private var entries: [SessionToken: Entry] = [:]
    private var touched: [NATSSession] = []
    /// The timer of all sessions, while there are any.
    var timer: ScheduledWork?

    var isEmpty: Bool { entries.isEmpty }

    var open: [NATSSession] {
        entries.values.compactMap { if case .session(let session) = $0 { session } else { nil } }
    }

    var dials: [SessionDial] {
        entries.values.compactMap { if case .dial(let dial) = $0 { dial } else { nil } }
    }

    func session(_ token: SessionToken) -> NATSSession? {
        if case .session(let session) = entries[token] { session } else { nil }
    }

    func dial(_ token: SessionToken) -> SessionDial? {
        if case .dial(let dial) = entries[token] { dial } else { nil }
    }

    mutating func insert(_ session: NATSSession) { entries[session.token] = .session(session) }

    mutating func insert(_ dial: SessionDial) { entries[dial.token] = .dial(dial) }

    mutating func remove(_ token: SessionToken) {
        entries[token] = nil
        if entries.isEmpty { timer.take()?.cancel() }
    }

    // MARK: Dispatch

    /// Something has arrived for the session.
    mutating func touch(_ session: NATSSession) { touched.append(session) }

    mutating func takeTouched() -> [NATSSession] {
        defer { touched = [] }
        return touched
    }
}
#endif
