// SPDX-License-Identifier: Apache-2.0
#if NATS
/// What a consumer has asked the broker for, and what it does next: a value, so that it can be tested without a broker.
///
/// One pull at a time asks for as many messages as the consumer has room for. It ends when they have come, or when the
/// broker says so. Until then the broker sends a heartbeat for each tick in which nothing else comes; a broker that
/// sends neither does not know the pull.
///
///     idle ── begin ──▶ pulling ── the last message, or its time is over ──▶ idle
///                          ├── refused ──▶ paused ── tick ──▶ idle
///                          └── silent for three ticks ──▶ idle, and the consumer starts again
struct PullState {
    /// The number of the latest pull.
    private(set) var number: UInt64 = 0
    /// How many messages of it have not come; 0 if there is none.
    private(set) var awaitedCount = 0
    private var isPaused = false
    private var silentTickCount = 0

    static let silenceLimit = 3

    /// What the consumer has to do.
    enum Action: Equatable {
        case nothing
        /// Ask for more, if there is room.
        case pull
        /// Ask the broker whether the consumer exists, and create it otherwise.
        case startAgain
        case end(NATSError)
    }

    /// Begins a pull, unless there is one.
    ///
    /// - Parameter room: how many messages may be delivered.
    /// - Returns: whether to send it.
    mutating func begin(room: Int) -> Bool {
        guard awaitedCount == 0, !isPaused, room > 0 else { return false }
        number += 1
        awaitedCount = room
        silentTickCount = 0
        return true
    }

    mutating func receiveMessage() {
        silentTickCount = 0
        if awaitedCount > 0 { awaitedCount -= 1 }
    }

    /// - Parameter number: the pull that it is about; nil if that is unknown.
    mutating func receive(_ status: PullStatus, of number: UInt64?, consumer: String) -> Action {
        guard number == self.number, awaitedCount > 0 else { return .nothing }
        silentTickCount = 0
        switch status.code {
        case 100: return .nothing
        case 404, 408:
            awaitedCount = 0
            return .pull
        case 409 where status.text.contains("Deleted"): return .end(.consumerDeleted(consumer))
        case 400: return .end(.jetStream(code: status.code, status.text))
        default:
            // Too many pulls wait, or another broker of the cluster leads from now on.
            awaitedCount = 0
            isPaused = true
            return .nothing
        }
    }

    mutating func tick() -> Action {
        if isPaused {
            isPaused = false
            return .startAgain
        }
        guard awaitedCount > 0 else { return .nothing }
        silentTickCount += 1
        guard silentTickCount >= Self.silenceLimit else { return .nothing }
        awaitedCount = 0
        return .startAgain
    }

    /// The connection is another one, which knows of no pull.
    mutating func forget() {
        awaitedCount = 0
        isPaused = false
    }
}

/// What the broker says of a pull, instead of a message: a status like HTTP's, and a text.
struct PullStatus: Equatable {
    let code: Int
    let text: String
}
#endif
