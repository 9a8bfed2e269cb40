// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// The answers to one message after another, carried out on plain numbers: any policy, a kernel that takes any number
/// of bytes, and budgets with or without room. The promises of a queue hold after each step, and each message has its
/// answer after three questions.
struct AdmissionWorld {
    private var random: Seeded
    private let admission: QueueAdmission

    // The queue: the sizes of the frames that wait, and how much of the first has left.
    private var frames: [Int] = []
    private var sentByteCount = 0
    private var isWaiting = false
    private var isCharged = false
    private var hasEnded = false

    // The fate of the messages.
    private var offered = 0
    private var taken = 0
    private var sent = 0
    private var displaced = 0
    private var dropped = 0
    private var refused = 0

    private init(_ seed: UInt64) {
        random = Seeded(seed)
        var configuration = PipeConnection.Configuration()
        configuration.slowReaderPolicy = random.pick([.refuse, .disconnect, .dropNewest, .dropOldest, .keepLatest])
        configuration.sendQueueLimit = random.pick([100, 5000, 200_000])
        configuration.highWaterMark = random.pick([50, 1000, 1 << 20])
        configuration.framing = random.isOne(of: 6) ? RawFraming() : LengthPrefixFraming()
        admission = QueueAdmission(configuration)
    }

    static func run(_ seed: UInt64) -> [String] {
        var world = AdmissionWorld(seed)
        var problems: [String] = []
        for step in 0..<world.random.number(1...80) where !world.hasEnded {
            let problem = world.random.isOne(of: 4) ? world.kernelTakes() : world.send()
            if let problem = problem ?? world.difference { problems.append("step \(step): \(problem)") }
        }
        return problems
    }

    private var queuedByteCount: Int { frames.reduce(-sentByteCount, +) }

    private var startedByteCount: Int { sentByteCount > 0 ? frames[0] - sentByteCount : 0 }

    /// One write, of which the kernel takes any part.
    private mutating func write() {
        var room = random.pick([0, 1, 50, 5000, .max])
        while let first = frames.first, first - sentByteCount <= room {
            room -= first - sentByteCount
            sentByteCount = 0
            frames.removeFirst()
            sent += 1
        }
        isWaiting = !frames.isEmpty
        guard isWaiting else {
            isCharged = false
            return
        }
        sentByteCount += room
        isCharged = true
        if let limit = admission.waitingMessageLimit { displace(freeing: .max, downTo: limit) }
    }

    private mutating func kernelTakes() -> String? {
        isWaiting = false
        if !frames.isEmpty { write() }
        return nil
    }

    private mutating func send() -> String? {
        offered += 1
        var request = QueueAdmission.Request(byteCount: random.pick([4, 60, 104, 3000, 70_000]))
        let droppedBefore = displaced
        for _ in 0..<3 {
            describeQueue(in: &request)
            switch admission.answer(to: request) {
            case .append(let isCharged):
                let isOwed = admission.needsBudget(request) && request.exceededBudget == nil
                if isCharged != isOwed { return "a charge that is not asked for, or none" }
                self.isCharged = self.isCharged || isCharged
                frames.append(request.byteCount)
                taken += 1
                if request.fitsIntoSocket { write() }
                return nil
            case .flushFirst:
                if request.attempt != .first { return "a second flush" }
                if !isWaiting, !frames.isEmpty { write() }
                request.attempt = .afterFlush
            case .displace(let byteCount, _):
                if request.attempt == .afterDisplacing { return "a second displacement" }
                displace(freeing: byteCount)
                request.attempt = .afterDisplacing
            case .drop:
                dropped += 1
                return admission.policy == .refuse || admission.policy == .disconnect ? "dropped silently" : nil
            case .refuse:
                refused += 1
                return admission.policy != .refuse || displaced > droppedBefore ? "refused" : nil
            case .end:
                refused += 1
                hasEnded = true
                return admission.policy != .disconnect ? "ended" : nil
            }
        }
        return "no answer after three questions"
    }

    private mutating func describeQueue(in request: inout QueueAdmission.Request) {
        request.queuedByteCount = queuedByteCount
        request.startedByteCount = startedByteCount
        request.capacity = queuedByteCount + random.number(0...100)
        request.isWaiting = isWaiting
        request.isCharged = isCharged
        request.exceededBudget = nil
        request.fitsIntoSocket = false
        request.isPausedForRoom = isWaiting && random.isOne(of: 2)
        guard admission.needsBudget(request), random.isOne(of: 3) else { return }
        request.exceededBudget = ExceededBudget(scope: .server, limit: 0)
        request.fitsIntoSocket = admission.dependsOnSocket(request) && random.isOne(of: 2)
    }

    /// Displaces whole messages of which nothing was sent, the oldest first.
    private mutating func displace(freeing byteCount: Int, downTo limit: Int = 0) {
        let first = sentByteCount > 0 ? 1 : 0
        var freed = 0
        while frames.count > first + limit, freed < byteCount {
            freed += frames.remove(at: first)
            displaced += 1
        }
    }

    /// The broken promises.
    private var difference: String? {
        if offered != taken + dropped + refused { return "a message is lost" }
        if taken != sent + displaced + frames.count { return "a message that was taken is lost" }
        if frames.count > 1, queuedByteCount > admission.queueLimit { return "\(queuedByteCount) bytes are queued" }
        let displaces = admission.policy == .dropOldest || admission.policy == .keepLatest
        if displaced > 0, !displaces { return "\(admission.policy) displaced" }
        let waiting = frames.count - (sentByteCount > 0 ? 1 : 0)
        if let limit = admission.waitingMessageLimit, isWaiting, waiting > limit { return "\(waiting) messages wait" }
        if !isCharged, isWaiting || queuedByteCount > admission.allowance {
            return "\(queuedByteCount) bytes are not charged for"
        }
        return nil
    }
}
