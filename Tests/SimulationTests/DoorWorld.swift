// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// The limits of admission while users connect, leave and return at any time, against a list of the present users and a
/// bucket that is refilled in the obvious way.
struct DoorWorld {
    private var random: Seeded
    private var limits: UserLimits
    private let maximumCount: Int
    private let burst: Int
    private let interval: Duration
    private let isRated: Bool

    private var now = SuspendingClock().now
    private var lastTimes: [UInt32: SuspendingClock.Instant] = [:]
    // As a time: one interval is one token.
    private var tokens: [UInt32: Duration] = [:]
    private var openCounts: [UInt32: Int] = [:]

    private init(_ seed: UInt64) {
        random = Seeded(seed)
        burst = random.number(1...5)
        interval = random.pick([.milliseconds(1), .milliseconds(40), .seconds(2)])
        isRated = !random.isOne(of: 4)
        maximumCount = random.number(1...4)
        let perSecond = 1.0 / (Double(interval.components.seconds) + Double(interval.components.attoseconds) / 1e18)
        limits = UserLimits(
            maximumCount: maximumCount, rate: isRated ? ConnectRate(burst: burst, perSecond: perSecond) : nil)
    }

    static func run(_ seed: UInt64) -> [String] {
        var world = DoorWorld(seed)
        var problems: [String] = []
        for step in 0..<world.random.number(1...60) {
            if let problem = world.step() { problems.append("step \(step): \(problem)") }
        }
        // A user who has left and has a full bucket is forgotten when another one comes later.
        for (user, count) in world.openCounts {
            for _ in 0..<count { world.limits.didClose(user) }
        }
        for _ in 0..<3 {
            world.now += world.interval * (2 * world.burst)
            _ = world.limits.refusal(of: 99, at: world.now)
        }
        let remembered = world.limits.rememberedUserCount
        if remembered > 2 { problems.append("\(remembered) users are remembered for nothing") }
        return problems
    }

    private mutating func step() -> String? {
        let user = UInt32(random.number(1...3))
        if random.isOne(of: 3) {
            guard openCounts[user, default: 0] > 0 else { return nil }
            openCounts[user, default: 0] -= 1
            limits.didClose(user)
            return nil
        }
        now += random.pick([.zero, .zero, interval / 3, interval, interval * 2, interval * 20])
        let expected = expectedRefusal(user)
        let found = limits.refusal(of: user, at: now)
        if found == nil {
            limits.didOpen(user)
            openCounts[user, default: 0] += 1
        }
        guard found != expected else { return nil }
        return "\(found.map { "\($0)" } ?? "let in") instead of \(expected.map { "\($0)" } ?? "let in")"
    }

    private mutating func expectedRefusal(_ user: UInt32) -> ConnectionRefusal? {
        if openCounts[user, default: 0] >= maximumCount { return .userConnectionLimit }
        guard isRated else { return nil }
        let gained = lastTimes[user].map { now - $0 } ?? interval * burst
        let available = min(tokens[user, default: .zero] + gained, interval * burst)
        lastTimes[user] = now
        tokens[user] = available >= interval ? available - interval : available
        return available >= interval ? nil : .userConnectRate
    }
}
