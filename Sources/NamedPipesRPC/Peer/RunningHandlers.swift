// SPDX-License-Identifier: Apache-2.0

/// The other end's requests and notifications that are being handled here.
struct RunningHandlers {
    typealias Serial = Int

    private struct Entry {
        let id: JSONRPCID?
        /// Nil before the handler's task begins.
        var task: LiveTask?
        var isCancelled = false
    }

    private var entries: [Serial: Entry] = [:]
    private var serials: [JSONRPCID: Serial] = [:]
    private var lastSerial = 0

    var count: Int { entries.count }

    /// - Returns: nil if a request with this id is being handled: cancelling and answering it would mean either.
    mutating func begin(_ id: JSONRPCID?) -> Serial? {
        let id = id?.canonical
        lastSerial += 1
        if let id, id != .null {
            guard serials[id] == nil else { return nil }
            serials[id] = lastSerial
        }
        entries[lastSerial] = Entry(id: id)
        return lastSerial
    }

    /// To be called by the handler's task as it begins.
    mutating func enter(_ serial: Serial) {
        let task = LiveTask.current()
        entries[serial]?.task = task
        if entries[serial]?.isCancelled == true { task?.cancel() }
    }

    /// To be called by the handler's task before it ends.
    mutating func leave(_ serial: Serial) { entries[serial]?.task = nil }

    mutating func end(_ serial: Serial) {
        if let id = entries.removeValue(forKey: serial)?.id { serials[id] = nil }
    }

    func isCancelled(_ serial: Serial) -> Bool { entries[serial]?.isCancelled == true }

    mutating func cancel(_ id: JSONRPCID) {
        if let serial = serials[id.canonical] { cancel(serial) }
    }

    /// Those whose replies nobody will get.
    mutating func cancelRequests() {
        for (serial, entry) in entries where entry.id != nil { cancel(serial) }
    }

    private mutating func cancel(_ serial: Serial) {
        entries[serial]?.isCancelled = true
        entries[serial]?.task?.cancel()
    }
}
