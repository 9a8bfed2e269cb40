// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// Decides whether a message may be queued: a value, so that it can be tested without a socket. It holds the rules,
/// which are the same for all connections of an endpoint. A ``Request`` describes one message and the state of the
/// queue; ``PipeConnection`` carries out the ``Answer`` and, after a flush or a displacement, asks again.
///
/// ```
///               fits
///     first ──────────────────────────────────▶ append
///       │ does not                                ▲   ▲
///       ▼                        fits             │   │
///     flush first ────────────────────────────────┘   │ fits
///       │ does not: the policy decides                │
///       ├─ refuse ─────────────────▶ refuse           │
///       ├─ disconnect ─────────────▶ end              │
///       ├─ dropNewest ─────────────▶ drop             │
///       └─ dropOldest, keepLatest ─▶ displace ────────┤
///                                      ▲              │ does not, or could not
///     keepLatest, while it waits ──────┘              └───────────────────────▶ drop
/// ```
///
/// A message fits if the queue stays within ``PipeConnection/Configuration/sendQueueLimit`` (an empty queue takes any
/// message) and the budgets have room for the memory. A queue that is empty again at the end of the turn is not charged
/// up to ``allowance``. Beyond that, and whenever it has to wait, it is charged for all the memory that it keeps.
///
/// Clients that exhaust a budget must not keep others from being answered. So a message of up to ``allowance`` is
/// queued even if a budget has no room for it: its memory is recorded, and nothing more is received until the queue is
/// written. A larger message is written at once if the socket has room for it.
///
/// Most messages need no decision: ``SendQueue/prepaidByteCount`` is the size up to which a queue may be filled before
/// the next one, and costs one comparison.
///
/// The slow-reader policy is consulted nowhere else: a new policy is a case of the enum, its row in the switches here,
/// and its cases in the tests.
struct QueueAdmission {
    let policy: PipeConnection.SlowReaderPolicy

    /// ``PipeConnection/Configuration/sendQueueLimit``.
    let queueLimit: Int

    /// The upper bound of the prepaid size: above it, there is a high-water mark to report or a limit to keep.
    let prepaidLimit: Int

    /// The size in bytes up to which a queue is not charged for, if it is empty again at the end of the turn.
    let allowance: Int

    init(_ configuration: PipeConnection.Configuration) {
        policy = configuration.slowReaderPolicy.applicable(to: configuration.framing)
        queueLimit = configuration.sendQueueLimit
        prepaidLimit = min(configuration.highWaterMark, configuration.sendQueueLimit) - Self.headerByteCount
        allowance = min(prepaidLimit, Self.freeByteCount - Self.headerByteCount)
    }

    /// The header that the default framing puts before a prepaid message.
    static let headerByteCount = 4

    /// Room for the envelope of a large message: more than the framings here need (`Content-Length` takes 28 bytes at
    /// most).
    static let envelopeAllowance = 64

    /// The upper bound of ``allowance``.
    static let freeByteCount = 64 << 10

    /// The largest frame that is written at once while a budget is exhausted: what a socket with the kernel's default
    /// buffer holds, and less than a queue may keep without being charged (``ReactorBuffers``).
    static let writtenByteCount = ReactorBuffers.receiveByteCount

    /// Answers a request. A message causes three requests at most: each answer that leads to another request is given
    /// once.
    func answer(to request: Request) -> Answer {
        check(request)
        if request.attempt != .afterDisplacing, displacesAll(whileWaiting: request.isWaiting) {
            return displacement(for: request)
        }
        if fits(request), request.exceededBudget == nil { return .append(isCharged: needsBudget(request)) }
        if request.fitsIntoSocket || (request.attempt != .first && isWithinAllowance(request)) {
            return .append(isCharged: false)
        }
        switch request.attempt {
        case .first: return .flushFirst
        case .afterFlush: return answerWithoutRoom(request)
        case .afterDisplacing: return .drop
        }
    }

    /// Whether the budgets have to be consulted for this message.
    func needsBudget(_ request: Request) -> Bool {
        guard fits(request) else { return false }
        return request.isWaiting || request.isCharged || request.queuedByteCount + request.byteCount > allowance
    }

    /// Whether the message is written at once, without room in a budget, if the socket has room for all of it.
    func dependsOnSocket(_ request: Request) -> Bool {
        isOthersFault(request) && !isWithinAllowance(request) && request.queuedByteCount == 0 && !request.isWaiting
            && request.byteCount <= Self.writtenByteCount
    }

    /// Whether to queue a message for which a budget has no room: every connection may exceed the budget by this much,
    /// once, until its queue is written.
    private func isWithinAllowance(_ request: Request) -> Bool {
        let owed = request.isPausedForRoom ? request.queuedByteCount : 0
        return isOthersFault(request) && owed + request.byteCount <= allowance
    }

    /// Whether the exhausted budget is one that the connection shares with others.
    private func isOthersFault(_ request: Request) -> Bool {
        guard let budget = request.exceededBudget else { return false }
        return budget.scope != .connection
    }

    private func fits(_ request: Request) -> Bool {
        request.queuedByteCount == 0 || request.queuedByteCount + request.byteCount <= queueLimit
    }

    private func answerWithoutRoom(_ request: Request) -> Answer {
        let budget = request.exceededBudget
        let error = budget.map { PipeError.budgetExceeded($0) } ?? .sendQueueFull(limit: queueLimit)
        switch policy {
        case .refuse: return .refuse(error)
        case .disconnect: return .end(budget.map { .budgetExceeded($0) } ?? .slowReader, error)
        case .dropNewest: return .drop
        case .dropOldest, .keepLatest: return displacement(for: request)
        }
    }

    /// Displaces as little as the policy allows. If displacing everything that may be displaced would not suffice,
    /// displaces nothing.
    private func displacement(for request: Request) -> Answer {
        let byteCount = request.byteCount
        let started = request.startedByteCount
        let isOverBudget = request.exceededBudget != nil
        guard started == 0 || started + byteCount <= queueLimit,
            !isOverBudget || started + byteCount <= request.capacity
        else { return .drop }
        let queued = request.queuedByteCount
        if policy == .keepLatest { return .displace(byteCount: queued, compacts: isOverBudget) }
        // Memory that becomes free in the middle has to be compacted before it can be used. To compact rarely, a
        // quarter of the queue is displaced at a time.
        if isOverBudget { return .displace(byteCount: max(byteCount, queued / 4), compacts: true) }
        return .displace(byteCount: queued + byteCount - queueLimit, compacts: false)
    }

    /// Traps on requests that are a programmer's error.
    private func check(_ request: Request) {
        precondition(request.byteCount >= 0 && request.startedByteCount >= 0, "a negative size")
        precondition(request.startedByteCount <= request.queuedByteCount, "more is started than is queued")
        precondition(request.exceededBudget == nil || needsBudget(request), "a budget without being asked")
        precondition(!request.fitsIntoSocket || dependsOnSocket(request), "a look at the socket without being asked")
        guard request.attempt == .afterDisplacing else { return }
        switch policy {
        case .refuse, .disconnect, .dropNewest: preconditionFailure("this policy displaces nothing")
        case .dropOldest, .keepLatest: break
        }
    }
}

// MARK: - A queue that waits

extension QueueAdmission {
    /// Whether each message displaces all waiting ones.
    private func displacesAll(whileWaiting isWaiting: Bool) -> Bool { isWaiting && policy == .keepLatest }

    /// How many whole messages may wait for the kernel; nil if only their bytes are limited.
    var waitingMessageLimit: Int? { policy == .keepLatest ? 1 : nil }

    /// The size up to which the queue may be filled before the next decision.
    ///
    /// - Parameter paidByteCount: the size up to which its memory is charged for, or free.
    func prepaidByteCount(of paidByteCount: Int, isWaiting: Bool) -> Int {
        displacesAll(whileWaiting: isWaiting) ? -1 : min(paidByteCount - Self.headerByteCount, prepaidLimit)
    }
}

extension PipeConnection.SlowReaderPolicy {
    /// A framing without boundaries leaves no whole messages to displace: the waiting bytes could only be cut in the
    /// middle.
    fileprivate func applicable(to framing: any MessageFraming) -> Self {
        guard framing is any BoundaryFreeFraming else { return self }
        switch self {
        case .dropOldest, .keepLatest: return .refuse
        case .refuse, .disconnect, .dropNewest: return self
        }
    }
}
