// SPDX-License-Identifier: Apache-2.0

/// The other end's calls that are not finished: those that wait for a place, those that are handled, and those whose
/// answers are being sent.
struct OpenCalls {
    /// Increases with each call, so that waiting calls are in order.
    typealias Serial = Int

    // An object, because nothing is known of the layout of a task at compile time: a value that contains one is copied
    // and destroyed by way of its metadata, which took a tenth of a call's instructions.
    private final class Entry {
        let id: JSONRPCID?
        let isRefused: Bool
        /// Nil before the handler's task begins, and after it has left.
        private var task: LiveTask?
        private(set) var isCancelled = false

        init(id: JSONRPCID?, isRefused: Bool) {
            self.id = id
            self.isRefused = isRefused
        }

        func enter(_ task: LiveTask?) {
            self.task = task
            if isCancelled { task?.cancel() }
        }

        func leave() { task = nil }

        func cancel() {
            isCancelled = true
            task?.cancel()
        }
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
    func enter(_ serial: Serial) { entries[serial]?.enter(LiveTask.current()) }

    /// Called by the handler's task before it ends.
    func leave(_ serial: Serial) { entries[serial]?.leave() }

    mutating func end(_ serial: Serial) {
        guard let entry = entries.removeValue(forKey: serial) else { return }
        if entry.isRefused { refusedCount -= 1 }
        if let id = entry.id { serials[id] = nil }
    }

    func isCancelled(_ serial: Serial) -> Bool { entries[serial]?.isCancelled == true }

    /// - Returns: the call that was cancelled, if there is one.
    func cancel(_ id: JSONRPCID) -> Serial? {
        guard let serial = serials[id.canonical] else { return nil }
        entries[serial]?.cancel()
        return serial
    }

    /// Cancels calls whose replies no end will get.
    func cancelRequests() {
        for entry in entries.values where entry.id != nil { entry.cancel() }
    }
}
