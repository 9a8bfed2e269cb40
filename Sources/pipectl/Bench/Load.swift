// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// The connections to one server, and the rounds that they do. All on one reactor.
///
/// ```
///   connecting ──all are open──▶ resting ──begin──▶ sending ──finish, or the count──▶ draining
///                                   ▲                                                    │
///                                   └────────── end: all is answered, or given up ───────┘
/// ```
final class Load {
    let plan: LoadPlan
    private let reactor: Reactor
    private let access: Access
    private var members: [LoadMember] = []
    private var pacer: PreciseTimer?
    private var timetable: Timetable?

    private(set) var openCount = 0
    private(set) var failure: Failure?
    private(set) var isEnded = false
    /// The first reply that was not what it should be, and what it should be.
    private(set) var firstMismatch: String?

    // The round.
    private(set) var result = RoundResult()
    private var startTime = 0
    private var startCPUTime = 0
    private var progressTime = 0
    private var isSending = false
    private var remainingCount: Int?
    /// How long messages become due, in nanoseconds.
    private var length = Int.max
    private var message: LoadMessage

    init(_ reactor: Reactor, to destination: Destination, _ plan: LoadPlan) throws {
        self.reactor = reactor
        self.plan = plan
        message = plan.message
        do { access = try Access(to: destination, reactor) } catch { throw Failure(error) }
        if case .open(let rate) = plan.pace {
            timetable = Timetable(messagesPerSecond: rate)
            pacer = try PreciseTimer(reactor) { [unowned self] in sendDue() }
        }
        for index in 0..<plan.connectionCount {
            let member = LoadMember(self, index)
            members.append(member)
            destination.makeClient(over: access, plan.client, reactor, member).connect()
        }
    }

    var isConnected: Bool { openCount == plan.connectionCount }

    /// Whether nothing remains to be sent or answered in this round.
    var isDone: Bool { !isSending && result.replyCount >= result.dueCount }

    /// For how long no reply has come although there should be one.
    var stallTime: Duration {
        result.dueCount > result.replyCount ? .nanoseconds(MonotonicTime.nanoseconds - progressTime) : .zero
    }

    /// Begins a round. All messages of the one before have been answered, or given up together with the load.
    func begin(_ length: RoundLength) {
        result = RoundResult()
        switch length {
        case .count(let count): (remainingCount, self.length) = (count, .max)
        case .duration(let time): (remainingCount, self.length) = (nil, Int(time / .nanoseconds(1)))
        }
        isSending = true
        for member in members { member.begin() }
        startCPUTime = MonotonicTime.threadNanoseconds
        startTime = MonotonicTime.nanoseconds
        progressTime = startTime
        if pacer != nil {
            sendDue()
        } else {
            for member in members { member.pump() }
        }
    }

    /// Lets no further message become due.
    func finish() { isSending = false }

    /// The results of the round.
    func end() -> RoundResult {
        finish()
        result.ownCPUNanoseconds = MonotonicTime.threadNanoseconds - startCPUTime
        return result
    }

    /// Ends the connections.
    func close() {
        finish()
        for member in members { member.close() }
        access.end { [weak self] in self?.isEnded = true }
    }

    func fail(_ failure: Failure) {
        self.failure = self.failure ?? failure
        finish()
    }

    /// Sends the messages that are due by now, and sets the timer for the next one.
    private func sendDue() {
        guard isSending, let timetable else { return }
        let now = MonotonicTime.nanoseconds - startTime
        let dueCount = min(
            timetable.dueCount(at: min(now, length)), result.dueCount + Self.dueCountPerTurn)
        while result.dueCount < dueCount {
            let member = members[result.dueCount % members.count]
            guard takeTurn() else { return }
            member.addDue()
            member.pump()
        }
        let next = timetable.dueTime(of: result.dueCount)
        if next < length { pacer?.fire(at: startTime + next) } else { finish() }
    }

    /// So that replies are read while a slow client catches up.
    private static let dueCountPerTurn = 1000

    /// Takes a message from those that are to be sent, if there is one.
    private func takeTurn() -> Bool {
        guard isSending else { return false }
        if let count = remainingCount {
            remainingCount = count - 1
            if count <= 1 { isSending = false }
            guard count > 0 else { return false }
        }
        if result.dueCount == result.replyCount { progressTime = MonotonicTime.nanoseconds }
        result.dueCount += 1
        return true
    }

    // MARK: For its members

    fileprivate var inFlight: Int? {
        if case .closed(let count) = plan.pace { count } else { nil }
    }

    /// Whether one more message may go out on a connection that sends as it is answered.
    fileprivate func mayContinue() -> Bool { takeTurn() }

    fileprivate func send(_ number: Int, of member: LoadMember, on connection: PipeConnection) throws(PipeError) -> Bool
    {
        message.become(number, of: member.index)
        let verdict = try connection.send(message.bytes)
        result.sentCount += 1
        result.sentByteCount += message.bytes.count
        return verdict == .acceptedAboveHighWaterMark
    }

    /// When a message with this number on this connection was due, with a rate.
    fileprivate func dueTime(of number: Int, on member: LoadMember) -> Int? {
        timetable.map { startTime + $0.dueTime(of: number * members.count + member.index) }
    }

    fileprivate func noteDelay(_ nanoseconds: Int) { result.worstSendDelay = max(result.worstSendDelay, nanoseconds) }

    fileprivate func expected(_ number: Int, on member: LoadMember) -> [UInt8]? {
        switch plan.expectation {
        case .sameMessage:
            message.become(number, of: member.index)
            return message.bytes
        case .text(let bytes): return bytes
        case .anything: return nil
        }
    }

    fileprivate func didReceive(_ outcome: ReplyCheck.Outcome, byteCount: Int, at time: Int) {
        result.replyCount += outcome.replyCount
        result.wrongCount += outcome.wrongCount
        result.receivedByteCount += byteCount
        result.nanoseconds = time - startTime
        progressTime = time
    }

    fileprivate func record(latency: Int) { result.latencies.record(nanoseconds: latency) }

    fileprivate func noteMismatch(_ text: @autoclosure () -> String) {
        if firstMismatch == nil { firstMismatch = text() }
    }

    fileprivate func didOpen() { openCount += 1 }
}

/// One connection of a load.
private final class LoadMember: PipeClientDelegate {
    let index: Int
    private unowned let load: Load
    private var connection: PipeConnection?
    private var isCongested = false
    private var isClosing = false
    private var check: ReplyCheck

    // The numbers of this round's messages on this connection.
    private var dueCount = 0
    private var sentCount = 0
    private var replyCount = 0
    /// Without a rate: when each message that is on its way was sent, by its number modulo their largest number.
    private var sendTimes: [Int]

    init(_ load: Load, _ index: Int) {
        self.load = load
        self.index = index
        check = ReplyCheck(streamedByteCount: load.plan.streamedReplyByteCount)
        sendTimes = Array(repeating: 0, count: load.inFlight ?? 0)
    }

    func begin() { (dueCount, sentCount, replyCount) = (0, 0, 0) }

    func addDue() { dueCount += 1 }

    /// Sends what may be sent now.
    func pump() {
        while !isCongested, !isClosing, let connection, connection.isOpen, mayContinue() {
            let now = MonotonicTime.nanoseconds
            if let due = load.dueTime(of: sentCount, on: self) {
                load.noteDelay(now - due)
            } else {
                sendTimes[sentCount % sendTimes.count] = now
            }
            do {
                isCongested = try load.send(sentCount, of: self, on: connection)
                sentCount += 1
            } catch {
                return load.fail(Failure(error))
            }
        }
    }

    private func mayContinue() -> Bool {
        guard let inFlight = load.inFlight else { return sentCount < dueCount }
        return sentCount - replyCount < inFlight && load.mayContinue()
    }

    func close() {
        isClosing = true
        connection?.abort()
    }

    // MARK: PipeClientDelegate

    func connectionDidOpen(_ connection: PipeConnection) {
        guard !isClosing else { return connection.abort() }
        self.connection = connection
        load.didOpen()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard !isClosing else { return }
        let now = MonotonicTime.nanoseconds
        let first = replyCount
        let outcome = check.examine(message) { load.expected(first + $0, on: self) }
        guard replyCount + outcome.replyCount <= sentCount else {
            let text = printable(excerpt(message))
            return load.fail(Failure("a message came that is no reply to one of ours: \(text)"))
        }
        if outcome.wrongCount > 0 {
            load.noteMismatch(
                "expected \(shown(load.expected(first, on: self) ?? [])), got \(printable(excerpt(message)))")
        }
        load.didReceive(outcome, byteCount: message.count, at: now)
        for _ in 0..<outcome.replyCount {
            let begin = load.dueTime(of: replyCount, on: self) ?? sendTimes[replyCount % sendTimes.count]
            load.record(latency: now - begin)
            replyCount += 1
        }
        pump()
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        isCongested = false
        pump()
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        self.connection = nil
        guard !isClosing else { return }
        load.fail(Failure("connection \(index + 1) was \(reason.text)\(connection.causesText)"))
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        if !isClosing { load.fail(Failure(error)) }
    }
}

/// The beginning of a message.
private func excerpt(_ message: Span<UInt8>) -> [UInt8] { [UInt8](copying: message.extracting(first: 40)) }

private func shown(_ bytes: [UInt8]) -> String { printable(Array(bytes.prefix(40))) }
