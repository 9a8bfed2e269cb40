// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import Synchronization

/// Carries what a capture has to tell from a thread that must never wait to a thread of its own, which may: it writes
/// to a file or a pipe whose reader may be slow, or may have stopped reading.
///
/// The queue is bounded. Messages for which there is no room are lost, and counted where they are missing. Any thread
/// may use it.
final class CaptureQueue: Sendable {
    private enum Item {
        case events([CaptureEvent])
        case report(String)
    }

    private struct State {
        var items: [Item] = []
        var byteCount = 0
        /// Lost since the last item.
        var lostCount = 0
        /// How often the consumer has returned from a call.
        var takenCount: UInt64 = 0
        /// The consumer waits for a byte in the pipe.
        var isWaiting = false
        var isClosed = false
        var failure: (any Error)?
    }

    /// How many bytes may wait. The consumer has as many in its hands at most.
    let byteLimit: Int
    private let state = Mutex(State())
    /// The pipe that wakes the consumer; it has one byte at most, so writing never waits.
    private let wake: (reading: Int32, writing: Int32)
    /// Ends when the consumer does.
    private let consumerLife: AsyncStream<Never>

    /// What a message takes beside its bytes, roughly.
    fileprivate static let overhead = 200

    /// Starts the consumer's thread, which lives until ``close()``, or until `take` throws.
    ///
    /// - Parameters:
    ///   - byteLimit: how many bytes may wait, the messages' overhead included. A message that is larger still is
    ///     taken if nothing else waits. The default is 8 MiB.
    ///   - take: gets the events in their order, on the consumer's thread. It may block.
    ///   - report: gets the lines in their order among the events, on the same thread. It may block.
    ///   - fail: called once, on that thread, with what `take` has thrown; nothing is taken from then on.
    /// - Throws: the error if there is no thread or no pipe.
    init(
        byteLimit: Int = 8 << 20, _ take: @escaping @Sendable ([CaptureEvent]) throws -> Void,
        report: @escaping @Sendable (String) -> Void, fail: @escaping @Sendable (any Error) -> Void
    ) throws(SystemError) {
        self.byteLimit = byteLimit
        wake = try makePipe()
        let (life, end) = AsyncStream<Never>.makeStream()
        consumerLife = life
        // The thread owns the queue, and with it the pipe, for as long as it may read from it.
        try SystemThread.startDetached(named: "capture") { [self] in
            do {
                while let items = next() { try consume(items, take, report) }
            } catch {
                state.withLock {
                    $0.failure = error
                    $0.isClosed = true
                    $0.items = []
                }
                fail(error)
            }
            end.finish()
        }
    }

    deinit {
        Glibc.close(wake.reading)
        Glibc.close(wake.writing)
    }

    /// What `take` has thrown.
    var failure: (any Error)? { state.withLock { $0.failure } }

    // MARK: - The thread that does not wait

    /// Appends events, or counts their messages as lost. No events at all are a sign of life, which is passed on.
    func append(_ events: [CaptureEvent]) {
        add(.events(events), of: events.reduce(0) { $0 + $1.queuedByteCount }, losing: events.count)
    }

    /// Appends a line for the operator; it is dropped if there is no room.
    func report(_ line: String) { add(.report(line), of: line.utf8.count + Self.overhead, losing: 0) }

    /// Lets the consumer end when it has taken everything. Calling it again does nothing.
    func close() {
        wakeConsumer { state in
            guard !state.isClosed else { return }
            if state.lostCount > 0 { state.items.append(.events([.lost(state.lostCount)])) }
            state.lostCount = 0
            state.isClosed = true
        }
    }

    private func add(_ item: Item, of byteCount: Int, losing count: Int) {
        wakeConsumer { state in
            guard !state.isClosed else { return }
            guard state.byteCount == 0 || state.byteCount + byteCount <= byteLimit else {
                state.lostCount += count
                return
            }
            if state.lostCount > 0 { state.items.append(.events([.lost(state.lostCount)])) }
            state.lostCount = 0
            state.items.append(item)
            state.byteCount += byteCount
        }
    }

    private func wakeConsumer(after change: (inout State) -> Void) {
        let isWaiting = state.withLock { state in
            change(&state)
            defer { state.isWaiting = false }
            return state.isWaiting
        }
        var byte: UInt8 = 1
        if isWaiting { _ = unsafe write(wake.writing, &byte, 1) }
    }

    /// Returns when the consumer has ended, after ``close()``.
    ///
    /// - Parameter patience: how long one call of the consumer may take until it counts as stuck; nil is for ever.
    /// - Returns: false if it is stuck. It may still have the function in use then.
    func whenConsumed(patience: Duration?) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in self.consumerLife {}
                return !Task.isCancelled
            }
            if let patience {
                group.addTask {
                    await self.whenStuck(for: patience)
                    return false
                }
            }
            defer { group.cancelAll() }
            return await group.next() ?? true
        }
    }

    private func whenStuck(for patience: Duration) async {
        var last: UInt64?
        while true {
            let count = state.withLock { $0.takenCount }
            if count == last { return }
            last = count
            do { try await Task.sleep(for: patience) } catch { return }
        }
    }

    // MARK: - The consumer's thread

    private func consume(
        _ items: [Item], _ take: ([CaptureEvent]) throws -> Void, _ report: (String) -> Void
    ) throws {
        // One call for all events between two lines: as few writes as possible.
        var events: [CaptureEvent]?
        func flush() throws {
            if let some = events { try take(some) }
            events = nil
            state.withLock { $0.takenCount += 1 }
        }
        for item in items {
            switch item {
            case .events(let more): events = events.map { $0 + more } ?? more
            case .report(let line):
                try flush()
                report(line)
            }
        }
        try flush()
    }

    /// Waits for items.
    ///
    /// - Returns: nil if the queue is closed, and all was taken.
    private func next() -> [Item]? {
        while true {
            let (items, isClosed) = state.withLock { state in
                defer { (state.items, state.byteCount) = ([], 0) }
                state.isWaiting = state.items.isEmpty && !state.isClosed
                return (state.items, state.isClosed)
            }
            if !items.isEmpty { return items }
            if isClosed { return nil }
            waitForByte()
        }
    }

    private func waitForByte() {
        var byte: UInt8 = 0
        while unsafe read(wake.reading, &byte, 1) < 0, errno == EINTR {}
    }
}

extension CaptureEvent {
    /// What it takes in a queue, roughly.
    fileprivate var queuedByteCount: Int {
        guard case .message(let message) = self else { return CaptureQueue.overhead }
        return message.bytes.count + CaptureQueue.overhead
    }
}
