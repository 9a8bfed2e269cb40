// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

/// Whether a message may be queued, case by case, without a socket, a queue or a ledger.
@Suite struct `The admission of a message to a queue` {
    private typealias Policy = PipeConnection.SlowReaderPolicy
    private typealias Request = QueueAdmission.Request
    private typealias Answer = QueueAdmission.Answer

    private static let limit = 100_000
    private static let policies: [Policy] = [.refuse, .disconnect, .dropNewest, .dropOldest, .keepLatest]
    private static let displacing: [Policy] = [.dropOldest, .keepLatest]
    private static let serverBudget = ExceededBudget(scope: .server, limit: 5000)
    private static let full = PipeError.sendQueueFull(limit: limit)
    private static let overBudget = PipeError.budgetExceeded(serverBudget)

    private static func admission(
        _ policy: Policy, framing: any MessageFraming = LengthPrefixFraming(), highWaterMark: Int = 1 << 20
    ) -> QueueAdmission {
        var configuration = PipeConnection.Configuration()
        configuration.slowReaderPolicy = policy
        configuration.sendQueueLimit = limit
        configuration.highWaterMark = highWaterMark
        configuration.framing = framing
        return QueueAdmission(configuration)
    }

    private func answer(_ policy: Policy, _ change: (inout Request) -> Void) -> Answer {
        var request = Request(byteCount: 1000)
        change(&request)
        return Self.admission(policy).answer(to: request)
    }

    @Test(arguments: policies) func `is free while little is queued that leaves in this turn`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        #expect(answer(policy) { _ in } == .append(isCharged: false))
        let allowance = (64 << 10) - 4
        #expect(answer(policy) { $0.queuedByteCount = allowance - 1000 } == .append(isCharged: false))
        #expect(answer(policy) { $0.queuedByteCount = allowance - 999 } == .append(isCharged: true))
        #expect(answer(policy) { $0.isCharged = true } == .append(isCharged: true))
    }

    @Test(arguments: policies) func `is given to a message of any size where nothing is queued`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        #expect(answer(policy) { $0.byteCount = 10 * Self.limit } == .append(isCharged: true))
    }

    @Test(arguments: policies) func `is given up to the limit, and asks the kernel first beyond it`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        #expect(answer(policy) { $0.queuedByteCount = Self.limit - 1000 } == .append(isCharged: true))
        #expect(answer(policy) { $0.queuedByteCount = Self.limit - 999 } == .flushFirst)
        let overBudget = answer(policy) {
            $0.isCharged = true
            $0.queuedByteCount = 70_000
            $0.isPausedForRoom = true
            $0.exceededBudget = Self.serverBudget
        }
        #expect(overBudget == .flushFirst)
    }

    @Test func `is up to the policy where the kernel took too little`() {
        func expect(_ policy: Policy, full: Answer, overBudget: Answer, at place: SourceLocation = #_sourceLocation) {
            let isFull = answer(policy) {
                $0.attempt = .afterFlush
                $0.queuedByteCount = Self.limit - 500
            }
            #expect(isFull == full, "\(policy)", sourceLocation: place)
            let isOverBudget = answer(policy) {
                $0.attempt = .afterFlush
                $0.queuedByteCount = 80_000
                $0.capacity = 90_000
                $0.isPausedForRoom = true
                $0.isCharged = true
                $0.exceededBudget = Self.serverBudget
            }
            #expect(isOverBudget == overBudget, "\(policy)", sourceLocation: place)
        }
        expect(.refuse, full: .refuse(Self.full), overBudget: .refuse(Self.overBudget))
        expect(
            .disconnect, full: .end(.slowReader, Self.full),
            overBudget: .end(.budgetExceeded(Self.serverBudget), Self.overBudget))
        expect(.dropNewest, full: .drop, overBudget: .drop)
        expect(
            .dropOldest, full: .displace(byteCount: 500, compacts: false),
            overBudget: .displace(byteCount: 20_000, compacts: true))
        expect(
            .keepLatest, full: .displace(byteCount: Self.limit - 500, compacts: false),
            overBudget: .displace(byteCount: 80_000, compacts: true))
    }

    @Test(arguments: policies) func `lets each connection owe 64 KiB, once until its queue is written`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        let allowance = (64 << 10) - 4
        func isOwed(_ byteCount: Int, queued: Int, isPaused: Bool, _ budget: ExceededBudget = Self.serverBudget) -> Bool
        {
            let request = Request(
                attempt: .afterFlush, byteCount: byteCount, queuedByteCount: queued, isCharged: true,
                exceededBudget: budget, isPausedForRoom: isPaused)
            return Self.admission(policy).answer(to: request) == .append(isCharged: false)
        }
        #expect(
            isOwed(allowance, queued: 10_000, isPaused: false) && !isOwed(allowance + 1, queued: 0, isPaused: false))
        #expect(isOwed(1000, queued: allowance - 1000, isPaused: true))
        #expect(!isOwed(1000, queued: allowance - 999, isPaused: true))
        #expect(!isOwed(1000, queued: 0, isPaused: false, ExceededBudget(scope: .connection, limit: 500)))
    }

    @Test(arguments: policies) func `needs no room for a message that fits into the socket`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        func expect(_ expected: Bool, _ change: (inout Request) -> Void) {
            var request = Request(byteCount: 100_000, exceededBudget: Self.serverBudget)
            change(&request)
            let admission = Self.admission(policy)
            #expect(admission.dependsOnSocket(request) == expected, "\(request)")
            guard expected else { return }
            #expect(admission.answer(to: request) == .flushFirst)
            request.fitsIntoSocket = true
            #expect(admission.answer(to: request) == .append(isCharged: false))
            request.attempt = .afterFlush
            #expect(admission.answer(to: request) == .append(isCharged: false))
        }
        expect(true) { _ in }
        expect(true) { $0.byteCount = 224 << 10 }
        expect(false) { $0.byteCount = (224 << 10) + 1 }
        expect(false) { $0.queuedByteCount = 1 }
        expect(false) { $0.isWaiting = true }
        expect(false) { $0.exceededBudget = nil }
        // A connection that has reached its own limit is to blame itself.
        expect(false) { $0.exceededBudget = ExceededBudget(scope: .connection, limit: 50_000) }
        expect(true) { $0.exceededBudget = ExceededBudget(scope: .user(1), limit: 50_000) }
    }

    @Test(arguments: displacing) func `displaces nothing where that could not be enough`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        func expect(started: Int, _ byteCount: Int, _ budget: ExceededBudget?, isDropped: Bool) {
            let answer = answer(policy) {
                $0.attempt = .afterFlush
                $0.byteCount = byteCount
                $0.queuedByteCount = budget == nil ? Self.limit : 70_000
                $0.startedByteCount = started
                $0.capacity = 20_000
                $0.isWaiting = true
                $0.isPausedForRoom = true
                $0.exceededBudget = budget
            }
            #expect((answer == .drop) == isDropped, "\(started), \(byteCount): \(answer)")
        }
        expect(started: 0, 2 * Self.limit, nil, isDropped: false)
        expect(started: 40_000, 60_000, nil, isDropped: false)
        expect(started: 40_000, 60_001, nil, isDropped: true)
        expect(started: 5000, 15_000, Self.serverBudget, isDropped: false)
        expect(started: 5000, 15_001, Self.serverBudget, isDropped: true)
    }

    @Test(arguments: displacing) func `takes or drops the message after others were displaced for it`(
        policy: PipeConnection.SlowReaderPolicy
    ) {
        func answer(queued: Int) -> Answer {
            self.answer(policy) {
                $0.attempt = .afterDisplacing
                $0.queuedByteCount = queued
                $0.isWaiting = true
            }
        }
        #expect(answer(queued: Self.limit - 1000) == .append(isCharged: true))
        #expect(answer(queued: Self.limit - 999) == .drop)
    }

    @Test func `lets each message displace all that wait, where only the latest counts`() {
        for attempt in [QueueAdmission.Attempt.first, .afterFlush] {
            let waiting = answer(.keepLatest) {
                $0.attempt = attempt
                $0.queuedByteCount = 3000
                $0.startedByteCount = 500
                $0.isWaiting = true
            }
            #expect(waiting == .displace(byteCount: 3000, compacts: false))
        }
        for policy in Self.policies where policy != .keepLatest {
            #expect(
                answer(policy) {
                    $0.queuedByteCount = 3000
                    $0.isWaiting = true
                } == .append(isCharged: true))
        }
    }

    @Test func `prepays as far as the memory, the marks and the policy allow`() {
        for policy in Self.policies {
            let admission = Self.admission(policy)
            #expect(admission.prepaidByteCount(of: 1004, isWaiting: false) == 1000)
            #expect(admission.prepaidByteCount(of: 1 << 20, isWaiting: false) == Self.limit - 4)
            #expect(admission.prepaidByteCount(of: 1004, isWaiting: true) == (policy == .keepLatest ? -1 : 1000))
            #expect(admission.waitingMessageLimit == (policy == .keepLatest ? 1 : nil))
            #expect(Self.admission(policy, highWaterMark: 50).prepaidLimit == 46)
            #expect(Self.admission(policy, highWaterMark: 50).allowance == 46)
        }
    }

    @Test func `never cuts queued bytes where the framing has no boundaries`() {
        for policy in Self.policies {
            let isDisplacing = Self.displacing.contains(policy)
            #expect(Self.admission(policy, framing: RawFraming()).policy == (isDisplacing ? .refuse : policy))
        }
    }

    @Test func `is never asked for the impossible`() async {
        await #expect(processExitsWith: .failure) {
            _ = QueueAdmission(.init()).answer(to: .init(byteCount: 10, queuedByteCount: 1, startedByteCount: 2))
        }
        await #expect(processExitsWith: .failure) {
            _ = QueueAdmission(.init()).answer(to: .init(attempt: .afterDisplacing, byteCount: 10))
        }
        await #expect(processExitsWith: .failure) {
            let budget = ExceededBudget(scope: .server, limit: 1)
            _ = QueueAdmission(.init()).answer(
                to: .init(byteCount: 100_000, isWaiting: true, exceededBudget: budget, fitsIntoSocket: true))
        }
        await #expect(processExitsWith: .failure) {
            // A message that is free meets no budget.
            let budget = ExceededBudget(scope: .server, limit: 1)
            _ = QueueAdmission(.init()).answer(to: .init(byteCount: 10, exceededBudget: budget))
        }
    }
}
