// SPDX-License-Identifier: Apache-2.0

/// The other end's calls that wait for a place, in the order in which they arrived.
struct WaitingCalls {
    private struct Entry {
        let firstSerial: OpenCalls.Serial
        /// Nil if it was removed before its turn.
        var calls: IncomingCalls?
        let byteCount: Int
    }

    // Serials increase from entry to entry, so that one is found without a table.
    private var entries = FIFO<Entry>()
    // How many entries were removed before their turn. They are purged once they are the majority, because the other
    // end may let any number of requests wait and cancel them.
    private var emptyCount = 0

    private(set) var callCount = 0

    /// The size of their memory: their messages, and a constant for each call.
    private(set) var byteCount = 0

    /// The memory of a call besides its message.
    static let callByteCount = 512

    var isEmpty: Bool { callCount == 0 }

    /// The number of entries, with or without calls.
    var entryCount: Int { entries.count }

    mutating func append(_ calls: IncomingCalls, messageByteCount: Int) {
        guard let first = calls.all.first else { return }
        let byteCount = messageByteCount + calls.all.count * Self.callByteCount
        entries.append(Entry(firstSerial: first.serial, calls: calls, byteCount: byteCount))
        add(calls, byteCount)
    }

    mutating func takeFirst() -> IncomingCalls? {
        while let entry = entries.removeFirst() {
            guard let calls = entry.calls else {
                emptyCount -= 1
                continue
            }
            subtract(calls, entry.byteCount)
            return calls
        }
        return nil
    }

    /// Removes a call before its turn, if it waits and is not in a batch.
    mutating func take(_ serial: OpenCalls.Serial) -> IncomingCall? {
        var range = 0..<entries.count
        while range.count > 1 {
            let middle = range.lowerBound + range.count / 2
            range = entries[middle].firstSerial <= serial ? middle..<range.upperBound : range.lowerBound..<middle
        }
        guard let index = range.first, case .single(let call)? = entries[index].calls, call.serial == serial
        else { return nil }
        takeOut(index)
        if emptyCount > 64, emptyCount > entries.count / 2 {
            entries.removeAll { $0.calls == nil }
            emptyCount = 0
        }
        return call
    }

    /// Removes all requests; notifications continue to wait.
    mutating func takeRequests() -> [IncomingCall] {
        var requests: [IncomingCall] = []
        for index in 0..<entries.count {
            guard let calls = entries[index].calls?.all else { continue }
            let notifications = calls.filter(\.isNotification)
            guard notifications.count < calls.count else { continue }
            requests += calls.filter { !$0.isNotification }
            takeOut(index)
            guard let first = notifications.first else { continue }
            let rest = IncomingCalls.batch(notifications)
            emptyCount -= 1
            entries[index] = Entry(firstSerial: first.serial, calls: rest, byteCount: entries[index].byteCount)
            add(rest, entries[index].byteCount)
        }
        return requests
    }

    private mutating func takeOut(_ index: Int) {
        guard let calls = entries[index].calls.take() else { return }
        emptyCount += 1
        subtract(calls, entries[index].byteCount)
    }

    private mutating func add(_ calls: IncomingCalls, _ byteCount: Int) {
        callCount += calls.all.count
        self.byteCount += byteCount
    }

    private mutating func subtract(_ calls: IncomingCalls, _ byteCount: Int) {
        callCount -= calls.all.count
        self.byteCount -= byteCount
    }
}
