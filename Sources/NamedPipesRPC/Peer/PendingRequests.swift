// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// This end's requests that have no reply yet.
struct PendingRequests {
    typealias Outcome = Result<JSONText, any Error>

    private enum State {
        /// Being sent, or about to wait.
        case begun
        case waiting(CheckedContinuation<JSONText, any Error>)
        case finished(Outcome)
    }

    private struct Entry {
        var state = State.begun
        var timer: ScheduledWork?
        var isSent = false
        /// Waits for room to send in.
        var sending: LiveTask?
    }

    private var entries: [Int64: Entry] = [:]
    private var lastNumber: Int64 = 0
    // Requests that nobody waits for any more; their replies are no surprise.
    private var abandoned: Set<Int64> = []
    private var unattributed = UnattributedFailures()

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    mutating func begin() -> Int64 {
        lastNumber += 1
        entries[lastNumber] = Entry()
        return lastNumber
    }

    /// Whether the request has no outcome yet.
    func isOpen(_ number: Int64) -> Bool { entries[number] != nil && outcome(of: number) == nil }

    /// Whether the other end may have seen the request.
    func isSent(_ number: Int64) -> Bool { entries[number]?.isSent == true }

    mutating func didSend(_ number: Int64) {
        entries[number]?.isSent = true
        entries[number]?.sending = nil
    }

    mutating func setTimer(_ timer: ScheduledWork, of number: Int64) { entries[number]?.timer = timer }

    mutating func setSending(_ task: LiveTask?, of number: Int64) { entries[number]?.sending = task }

    /// Lets the request's task go on once there is an outcome.
    mutating func wait(for number: Int64, _ continuation: CheckedContinuation<JSONText, any Error>) {
        switch entries[number]?.state {
        case .finished(let outcome): continuation.resume(with: outcome)
        case .begun: entries[number]?.state = .waiting(continuation)
        case .waiting, nil: preconditionFailure("request \(number) is not about to wait")
        }
    }

    /// Gives a request its outcome, the first that comes.
    ///
    /// - Returns: false if nobody waits for one.
    @discardableResult
    mutating func finish(_ number: Int64, _ outcome: Outcome) -> Bool {
        guard isOpen(number), let entry = entries[number] else { return abandoned.remove(number) != nil }
        entries[number]?.state = .finished(outcome)
        entry.sending?.cancel()
        if case .waiting(let continuation) = entry.state { continuation.resume(with: outcome) }
        return true
    }

    private mutating func fail(_ verdicts: [UnattributedFailures.Verdict]) {
        for verdict in verdicts { finish(verdict.number, .failure(verdict.failure)) }
    }

    /// Takes what came as a reply.
    ///
    /// - Returns: false if nobody can have sent it in good faith: nothing was asked, or it was answered before.
    mutating func takeReply(_ number: Int64, _ outcome: Outcome) -> Bool {
        if isOpen(number), !isSent(number) { return false }
        defer { fail(unattributed.forget(number, isAnswered: true)) }
        return finish(number, outcome)
    }

    /// Whether the other end may be about to reply.
    var hasSent: Bool { entries.keys.contains { isSent($0) && isOpen($0) } }

    /// Takes what came as a reply to nobody knows which request.
    mutating func takeUnattributed(_ failure: any Error) {
        let open = entries.keys.filter { isSent($0) && isOpen($0) }
        // What was given up here may not have been there, and then be the one.
        if !open.isEmpty { fail(unattributed.add(failure, suspects: abandoned.union(open))) }
    }

    mutating func finishAll(_ outcome: Outcome) {
        for number in entries.keys { finish(number, outcome) }
    }

    func outcome(of number: Int64) -> Outcome? {
        if case .finished(let outcome) = entries[number]?.state { outcome } else { nil }
    }

    mutating func end(_ number: Int64) { entries.removeValue(forKey: number)?.timer?.cancel() }

    /// A reply may still come; up to so many such requests are remembered.
    mutating func abandon(_ number: Int64, limit: Int) {
        if abandoned.count < limit {
            abandoned.insert(number)
        } else {
            fail(unattributed.forget(number, isAnswered: false))
        }
    }
}
