// SPDX-License-Identifier: Apache-2.0

/// The places for requests without a reply, and the tasks that wait for one, in order.
struct RequestPlaces {
    /// Requests that are sent in one message, and the task that waits to send them.
    struct Ticket {
        let numbers: [Int64]
        let continuation: CheckedContinuation<Void, Never>
    }

    private let limit: Int
    private(set) var usedCount = 0
    /// By the first number of each; the order is that of the queue, in which withdrawn tickets stay until their turn.
    private var tickets: [Int64: Ticket] = [:]
    private var queue = FIFO<Int64>()

    init(limit: Int) { self.limit = limit }

    /// Whether this number of places could be taken without waiting.
    func canTake(_ count: Int) -> Bool { tickets.isEmpty && usedCount + count <= limit }

    mutating func takeAtOnce(_ count: Int) -> Bool {
        guard canTake(count) else { return false }
        usedCount += count
        return true
    }

    mutating func add(_ ticket: Ticket) {
        guard let first = ticket.numbers.first else { return }
        tickets[first] = ticket
        queue.append(first)
    }

    /// The next ticket that has its places now.
    mutating func grantNext() -> Ticket? {
        while let first = queue.first {
            guard let ticket = tickets[first] else {
                _ = queue.removeFirst()
                continue
            }
            guard usedCount + ticket.numbers.count <= limit else { return nil }
            usedCount += ticket.numbers.count
            tickets[first] = nil
            _ = queue.removeFirst()
            return ticket
        }
        return nil
    }

    /// Removes a ticket from the queue.
    mutating func withdraw(_ first: Int64) -> Ticket? {
        guard let ticket = tickets.removeValue(forKey: first) else { return nil }
        // Withdrawn tickets must not accumulate behind one that waits for long.
        if queue.count > 64, queue.count > 2 * tickets.count { queue.removeAll { tickets[$0] == nil } }
        return ticket
    }

    mutating func giveBack() { usedCount -= 1 }
}
