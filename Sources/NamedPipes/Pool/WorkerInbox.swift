// SPDX-License-Identifier: Apache-2.0

/// The clients that wait for one worker of a pool, and whether the worker answers: a value that receives the time as an
/// argument.
///
/// The acceptor adds the clients of a turn and wakes the worker, once until the worker has taken all. The worker takes
/// a bounded number a turn. A worker that has not come for them within ``patience`` is held by one of its callbacks; it
/// counts as held until it comes.
struct WorkerInbox<Client> {
    private var clients: [Client] = []
    /// The time since which the worker is expected; nil if nothing waits for it.
    private var expectedSince: SuspendingClock.Instant?
    private var isClosed = false

    /// How long a worker may take to answer before clients are dealt to others.
    static var patience: Duration { .milliseconds(100) }

    /// Adds clients. After the end of the worker, they are discarded.
    ///
    /// - Returns: whether the worker has to be woken.
    mutating func add(_ more: [Client], at now: SuspendingClock.Instant) -> Bool {
        guard !isClosed else { return false }
        clients += more
        guard expectedSince == nil else { return false }
        expectedSince = now
        return true
    }

    /// The worker has come: it takes clients, in the order in which they were added.
    ///
    /// - Returns: the clients, and whether the worker has to come again for others.
    mutating func removeFirst(_ limit: Int, at now: SuspendingClock.Instant) -> (clients: [Client], hasMore: Bool) {
        let first = Array(clients.prefix(limit))
        clients.removeFirst(first.count)
        expectedSince = clients.isEmpty ? nil : now
        return (first, !clients.isEmpty)
    }

    /// Whether the worker is expected and has not come in time.
    func isHeld(at now: SuspendingClock.Instant) -> Bool {
        expectedSince.map { now - $0 >= Self.patience } ?? false
    }

    /// Whether the worker is expected.
    var isExpected: Bool { expectedSince != nil }

    /// Takes all clients back, for another worker. This one continues to be expected.
    mutating func takeBack() -> [Client] {
        defer { clients = [] }
        return clients
    }

    /// The worker takes no more clients.
    ///
    /// - Returns: those that wait; the caller releases them.
    mutating func close() -> [Client] {
        isClosed = true
        return takeBack()
    }
}
