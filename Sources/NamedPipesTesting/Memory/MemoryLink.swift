// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import PipeReactor

/// The link between two ends in memory: the bytes in flight, their delay, and the faults.
final class MemoryLink {
    private let reactor: Reactor
    private let faults: TransportFaults
    private var random: Seeded
    private(set) var ends: [MemoryEnd] = []

    // One for each direction, by the index of the sending end.
    private var directions = [Direction(), Direction()]
    private var carriedByteCount = 0
    private var isCut = false

    private struct Direction {
        var underWayByteCount = 0
        var lastArrival: SuspendingClock.Instant?
    }

    /// The bytes that travel from one end to the other, in order.
    private enum Parcel {
        case bytes(ArraySlice<UInt8>)
        case finish
        case close(isReset: Bool)
    }

    init(_ reactor: Reactor, _ faults: TransportFaults, seed: UInt64) {
        self.reactor = reactor
        self.faults = faults
        random = Seeded(seed)
        ends = [MemoryEnd(reactor, self), MemoryEnd(reactor, self)]
    }

    private func index(of end: MemoryEnd) -> Int { ends.first === end ? 0 : 1 }

    func other(than end: MemoryEnd) -> MemoryEnd? { ends.isEmpty ? nil : ends[1 - index(of: end)] }

    // MARK: Writing

    func hasRoom(from end: MemoryEnd) -> Bool { room(from: end) > 0 }

    private func room(from end: MemoryEnd) -> Int {
        guard let other = other(than: end) else { return 0 }
        return max(faults.capacity, 1) - directions[index(of: end)].underWayByteCount - other.unreadByteCount
    }

    /// Whether bytes of this end are under way or unread.
    func hasUnread(from end: MemoryEnd) -> Bool {
        directions[index(of: end)].underWayByteCount + (other(than: end)?.unreadByteCount ?? 0) > 0
    }

    func take(_ bytes: Span<UInt8>, from end: MemoryEnd) -> Int? {
        if stalls(at: end) { return nil }
        var count = min(bytes.count, room(from: end))
        if let range = faults.writeSizes { count = min(count, random.size(range)) }
        if let limit = faults.cut?.byteCount { count = min(count, max(limit - carriedByteCount, 0)) }
        if count > 0 {
            carriedByteCount += count
            send(.bytes([UInt8](copying: bytes.extracting(first: count))[...]), from: end)
        }
        breakIfDue()
        return count > 0 ? count : nil
    }

    func finish(from end: MemoryEnd) { send(.finish, from: end) }

    func close(from end: MemoryEnd) {
        guard let other = other(than: end) else { return }
        let isReset = end.unreadByteCount + directions[index(of: other)].underWayByteCount > 0
        send(.close(isReset: isReset), from: end)
        if other.isClosed { ends = [] }
    }

    // MARK: Reading

    /// Whether a call has to find nothing to do; the next turn tries again.
    func stalls(at end: MemoryEnd) -> Bool {
        guard random.happens(faults.stallChance) else { return false }
        end.schedule()
        return true
    }

    func readLimit(_ count: Int, at end: MemoryEnd) -> Int {
        guard let range = faults.readSizes else { return count }
        return min(count, random.size(range))
    }

    func didRead(_ end: MemoryEnd) { other(than: end)?.schedule() }

    // MARK: On the way

    private func send(_ parcel: Parcel, from end: MemoryEnd) {
        guard let delay = faults.delay else { return arrive(parcel, from: end) }
        let index = index(of: end)
        // Nothing overtakes earlier bytes.
        let arrival = max(reactor.now + random.duration(delay), directions[index].lastArrival ?? reactor.now)
        directions[index].lastArrival = arrival
        if case .bytes(let bytes) = parcel { directions[index].underWayByteCount += bytes.count }
        reactor.schedule(after: arrival - reactor.now) { [self] in
            if case .bytes(let bytes) = parcel { directions[index].underWayByteCount -= bytes.count }
            arrive(parcel, from: end)
        }
    }

    private func arrive(_ parcel: Parcel, from end: MemoryEnd) {
        guard let other = other(than: end) else { return }
        switch parcel {
        case .bytes(let bytes): other.didArrive(bytes)
        case .finish: other.peerDidFinish()
        case .close(let isReset): other.peerDidClose(isReset: isReset)
        }
    }

    /// Tells both ends that the other is gone, once this number of bytes has been carried.
    private func breakIfDue() {
        guard let cut = faults.cut, carriedByteCount >= cut.byteCount, !isCut else { return }
        isCut = true
        for end in ends { send(.close(isReset: cut.isReset), from: end) }
    }
}
