// SPDX-License-Identifier: Apache-2.0

/// The records of a ``RecordingDelegate``, and the tasks that wait for more: under its lock.
struct Record {
    struct Entry {
        let event: PipeEvent
        let connection: PipeConnection.ID?
    }

    private(set) var entries: [Entry] = []
    private(set) var sorted = SortedEvents()

    /// The index behind the last event that a task has received.
    private var nextIndex = 0

    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var lastWaiter = 0

    /// - Returns: the waiting tasks, to be resumed outside the lock.
    mutating func append(_ event: PipeEvent, _ connection: PipeConnection.ID?) -> [CheckedContinuation<Void, Never>] {
        entries.append(Entry(event: event, connection: connection))
        sorted.append(event, connection)
        defer { waiting = [:] }
        return Array(waiting.values)
    }

    mutating func removeAll() {
        entries = []
        sorted = SortedEvents()
        nextIndex = 0
    }

    /// The next matching event, which is then consumed, together with all before it.
    mutating func take(_ matches: (PipeEvent) -> Bool) -> PipeEvent? {
        guard let found = entries[nextIndex...].firstIndex(where: { matches($0.event) }) else { return nil }
        nextIndex = found + 1
        return entries[found].event
    }

    mutating func newWaiter() -> Int {
        lastWaiter += 1
        return lastWaiter
    }

    /// Resumes a continuation at the next event, unless there are more than `seenCount` already.
    ///
    /// - Returns: whether it waits now.
    mutating func wait(
        _ waiter: Int, behind seenCount: Int, _ continuation: CheckedContinuation<Void, Never>
    ) -> Bool {
        guard entries.count == seenCount else { return false }
        waiting[waiter] = continuation
        return true
    }

    mutating func stopWaiting(_ waiter: Int) -> CheckedContinuation<Void, Never>? {
        waiting.removeValue(forKey: waiter)
    }
}
