// SPDX-License-Identifier: Apache-2.0

/// The other end's calls that are not finished: those that wait for a place, those that are handled, and those whose
/// answers are being sent.
struct OpenCalls {
    /// Increases with each call, so that waiting calls are in order.
    typealias Serial = Int

    private struct Entry {
        let id: JSONRPCID?
        let isRefused: Bool
        /// Nil before the handler's task begins.
        var task: LiveTask?
        var isCancelled = false
    }

    private var entries: [Serial: Entry] = [:]
    private var serials: [JSONRPCID: Serial] = [:]
    private var lastSerial = 0

    var count: Int { entries.count }

    /// How many of them are only refused, and wait for the refusal to be sent.
    private(set) var refusedCount = 0

    /// - Returns: nil if a request with this id is open: a cancellation or an answer could then mean either.
    mutating func begin(_ id: JSONRPCID?) -> Serial? {
        let id = id?.canonical
        if let id, id != .null, serials[id] != nil { return nil }
        return begin(Entry(id: id, isRefused: false))
    }

    mutating func beginRefusal() -> Serial {
        refusedCount += 1
        return begin(Entry(id: nil, isRefused: true))
    }

    private mutating func begin(_ entry: Entry) -> Serial {
        lastSerial += 1
        entries[lastSerial] = entry
        if let id = entry.id, id != .null { serials[id] = lastSerial }
        return lastSerial
    }

    /// Called by the handler's task when it begins.
    mutating func enter(_ serial: Serial) {
        let task = LiveTask.current()
        entries[serial]?.task = task
        if entries[serial]?.isCancelled == true { task?.cancel() }
    }

    /// Called by the handler's task before it ends.
    mutating func leave(_ serial: Serial) { entries[serial]?.task = nil }

    mutating func end(_ serial: Serial) {
        guard let entry = entries.removeValue(forKey: serial) else { return }
        if entry.isRefused { refusedCount -= 1 }
        if let id = entry.id { serials[id] = nil }
    }

    func isCancelled(_ serial: Serial) -> Bool { entries[serial]?.isCancelled == true }

    /// - Returns: the call that was cancelled, if there is one.
    mutating func cancel(_ id: JSONRPCID) -> Serial? {
        guard let serial = serials[id.canonical] else { return nil }
        cancel(serial)
        return serial
    }

    /// Cancels calls whose replies no end will get.
    mutating func cancelRequests() {
        for (serial, entry) in entries where entry.id != nil { cancel(serial) }
    }

    private mutating func cancel(_ serial: Serial) {
        entries[serial]?.isCancelled = true
        entries[serial]?.task?.cancel()
    }
}
