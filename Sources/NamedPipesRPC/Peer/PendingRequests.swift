// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// This end's requests that have no reply yet, and requests that wait until fewer are pending.
struct PendingRequests {
    typealias Outcome = Result<JSONText, any Error>

    private enum State {
        /// Waiting for a place, being sent, or about to wait for the reply.
        case begun
        case waiting(CheckedContinuation<JSONText, any Error>)
        case finished(Outcome)
    }

    private struct Entry {
        var state = State.begun
        var limit: TimeLimit?
        var hasPlace = false
        var isSent = false
        /// The task that waits for room to send the request.
        var sending: LiveTask?
    }

    private var entries: [Int64: Entry] = [:]
    private var places: RequestPlaces
    private var lastNumber: Int64 = 0
    // Abandoned requests, whose replies are not unexpected.
    private var abandoned: Set<Int64> = []
    private var unattributed = UnattributedFailures()

    init(limit: Int) { places = RequestPlaces(limit: limit) }

    /// The number of requests that have a place, that is, may have been sent.
    var count: Int { places.usedCount }
    var isEmpty: Bool { count == 0 }

    mutating func begin(_ count: Int) -> [Int64] {
        (0..<count).map { _ in
            lastNumber += 1
            entries[lastNumber] = Entry()
            return lastNumber
        }
    }

    /// Whether the request has no outcome yet.
    func isOpen(_ number: Int64) -> Bool { entries[number] != nil && outcome(of: number) == nil }

    /// Whether the other end may have seen the request.
    func isSent(_ number: Int64) -> Bool { entries[number]?.isSent == true }

    mutating func didSend(_ number: Int64) {
        entries[number]?.isSent = true
        entries[number]?.sending = nil
    }

    mutating func setLimit(_ limit: TimeLimit, of number: Int64) { entries[number]?.limit = limit }

    mutating func setSending(_ task: LiveTask?, of number: Int64) { entries[number]?.sending = task }

    // MARK: Places

    func hasPlaces(for count: Int) -> Bool { places.canTake(count) }

    /// Takes a place for each of these requests, if there are enough and no request waits.
    mutating func takePlacesAtOnce(_ numbers: [Int64]) -> Bool {
        guard places.takeAtOnce(numbers.count) else { return false }
        for number in numbers { entries[number]?.hasPlace = true }
        return true
    }

    /// Takes a place for each of these requests, now or when that many are free.
    ///
    /// - Parameter continuation: resumed then, or when the first of them has an outcome before.
    mutating func takePlaces(_ numbers: [Int64], _ continuation: CheckedContinuation<Void, Never>) {
        guard let first = numbers.first, isOpen(first) else { return continuation.resume() }
        places.add(RequestPlaces.Ticket(numbers: numbers, continuation: continuation))
        grantPlaces()
    }

    private mutating func grantPlaces() {
        while let ticket = places.grantNext() {
            for number in ticket.numbers { entries[number]?.hasPlace = true }
            ticket.continuation.resume()
        }
    }

    // MARK: Outcomes

    /// Resumes the request's task once there is an outcome.
    mutating func wait(for number: Int64, _ continuation: CheckedContinuation<JSONText, any Error>) {
        switch entries[number]?.state {
        case .finished(let outcome): continuation.resume(with: outcome)
        case .begun: entries[number]?.state = .waiting(continuation)
        case .waiting, nil: preconditionFailure("request \(number) is not about to wait")
        }
    }

    /// Gives a request its outcome; only the first one counts.
    ///
    /// - Returns: false if no request waits for an outcome.
    @discardableResult
    mutating func finish(_ number: Int64, _ outcome: Outcome) -> Bool {
        guard isOpen(number), let entry = entries[number] else { return abandoned.remove(number) != nil }
        entries[number]?.state = .finished(outcome)
        entry.sending?.cancel()
        places.withdraw(number)?.continuation.resume()
        if case .waiting(let continuation) = entry.state { continuation.resume(with: outcome) }
        return true
    }

    /// Takes a reply.
    ///
    /// - Returns: false if no end can have sent it in good faith: there was no such request, or it was answered before.
    mutating func takeReply(_ number: Int64, _ outcome: Outcome) -> Bool {
        if isOpen(number), !isSent(number) { return false }
        defer { fail(unattributed.forget(number, isAnswered: true)) }
        return finish(number, outcome)
    }

    mutating func finishAll(_ outcome: Outcome) {
        for number in entries.keys { finish(number, outcome) }
    }

    func outcome(of number: Int64) -> Outcome? {
        if case .finished(let outcome) = entries[number]?.state { outcome } else { nil }
    }

    mutating func end(_ number: Int64) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        entry.limit?.cancel()
        if entry.hasPlace { places.giveBack() }
        grantPlaces()
    }

    /// Abandons a request. Its reply may still come; the peer remembers up to this number of such requests.
    mutating func abandon(_ number: Int64, limit: Int) {
        if abandoned.count < limit {
            abandoned.insert(number)
        } else {
            fail(unattributed.forget(number, isAnswered: false))
        }
    }

    // MARK: Replies without an id

    /// Whether the other end may be about to reply.
    var hasSent: Bool { entries.keys.contains { isSent($0) && isOpen($0) } }

    /// Takes a reply that does not say which request it answers.
    mutating func takeUnattributed(_ failure: any Error) {
        let open = entries.keys.filter { isSent($0) && isOpen($0) }
        // A request that was given up here may not have reached the other end before, and then be the one.
        if !open.isEmpty { fail(unattributed.add(failure, suspects: abandoned.union(open))) }
    }

    private mutating func fail(_ verdicts: [UnattributedFailures.Verdict]) {
        for verdict in verdicts { finish(verdict.number, .failure(verdict.failure)) }
    }
}
