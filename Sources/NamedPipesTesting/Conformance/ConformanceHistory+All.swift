// SPDX-License-Identifier: Apache-2.0

extension DelegateConformance {
    /// The small histories, all of them, then the random ones.
    func histories(forClient: Bool) -> [ConformanceHistory] {
        let small = ConformanceHistory.small(meaningful: messages)
        let random = seeds.map { ConformanceHistory(seed: $0, meaningful: messages, forClient: forClient) }
        var hoarder = ConformanceHistory(kind: .hoarder)
        hoarder.faults.capacity = 10_000
        hoarder.isTight = true
        let growth = checksGrowth ? [ConformanceHistory(kind: .visitors), hoarder] : []
        return small + growth + random
    }
}

extension ConformanceHistory {
    private static let large = [UInt8](repeating: 0x61, count: 20_000)
    private static let odd: [[UInt8]] = [[], [0], Array("hello".utf8), [0xC3, 0x28], large]

    /// The events before the end.
    private static func beginnings(_ meaningful: [[UInt8]]) -> [[Step]] {
        var found: [[Step]] = [[]]
        for messages in [[[]], [[0]], meaningful + [Array("hello".utf8)], [large]] {
            found.append([.send(0, messages)])
        }
        let many = (0..<30).map { number in meaningful.isEmpty ? [UInt8(number)] : meaningful[number % meaningful.count]
        }
        found.append([.send(0, many)])
        return found
    }

    private static let ends: [[Step]] = [
        [.finish(0)], [.close(0)], [.sendPart(0), .turn, .finish(0)], [.sendPart(0), .close(0)], [.sendGarbage(0)],
        [.stopReading(0), .send(0, [[1]]), .turn, .close(0)], [.local(0, .close)], [.local(0, .abort)],
        [.local(0, .finishSending), .turn, .finish(0)],
        [.local(0, .pause), .send(0, [[1]]), .turn, .local(0, .resume)],
        [.local(0, .pause), .finish(0), .turn, .local(0, .close)], [.finish(0), .turn, .close(0)],
        [.finish(0), .local(0, .abort)], [.sendPart(0), .turn, .pass(.seconds(60))],
        [.stop], [.stopDraining], [.stopDraining, .turn, .stop], [.pass(.seconds(60))],
    ]

    static func small(meaningful: [[UInt8]]) -> [ConformanceHistory] {
        var all: [ConformanceHistory] = []
        for beginning in beginnings(meaningful) {
            for end in ends {
                all.append(ConformanceHistory(steps: [.connect] + beginning + end))
                all.append(ConformanceHistory(steps: [.connect, .turn] + beginning + [.turn] + end))
            }
        }
        let talk: [Step] = [.connect, .send(0, meaningful + [[], [1]]), .turn, .send(0, [[2]])]
        for callback in ContractWatch.Kind.allCases {
            for action in LocalAction.allCases where action != .resume {
                for end in [[Step.finish(0)], [.close(0)]] {
                    let meddling = Meddling(callback: callback, action: action)
                    all.append(ConformanceHistory(steps: talk + end, meddling: [meddling]))
                }
            }
        }
        for end in ends + [[.readOn(0), .finish(0)]] {
            // Answers to a peer that does not read them: above the high-water mark, and down again.
            let flood: [Step] = [.connect, .turn, .stopReading(0), .send(0, meaningful + [large, large]), .turn]
            var stalled = ConformanceHistory(steps: flood + end)
            stalled.faults.capacity = 10_000
            stalled.isTight = true
            all.append(stalled)
        }
        // Sorted, so that the shortest history with a violation is the one that is reported.
        return all.sorted { $0.steps.count < $1.steps.count }
    }

    /// A long random history.
    init(seed: UInt64, meaningful: [[UInt8]], forClient: Bool) {
        var random = Seeded(seed)
        var connectedCount = 1
        steps = [.connect]
        for _ in 0..<random.number(5...40) {
            let peer = random.number(0...connectedCount - 1)
            let step = Self.step(&random, peer, meaningful)
            if step == .connect { connectedCount += 1 }
            steps.append(step)
            if random.number(0...1) == 0 { steps.append(.turn) }
        }
        if random.number(0...2) == 0 {
            meddling = [
                Meddling(callback: random.pick(ContractWatch.Kind.allCases), action: random.pick(LocalAction.allCases))
            ]
        }
        if random.number(0...2) == 0 { faults = .bumpy }
        self.seed = seed + 1
    }

    private static func step(_ random: inout Seeded, _ peer: Int, _ meaningful: [[UInt8]]) -> Step {
        switch random.number(0...39) {
        case 0...19: .send(peer, (0..<random.number(1...4)).map { _ in random.pick(meaningful + meaningful + odd) })
        case 20...23: .connect
        case 24...25: .finish(peer)
        case 26: .close(peer)
        case 27: .sendPart(peer)
        case 28: .sendGarbage(peer)
        case 29...30: .stopReading(peer)
        case 31...33: .readOn(peer)
        case 34...36: .local(peer, random.pick(LocalAction.allCases.filter { $0 != .stop }))
        case 37: .pass(.seconds(random.number(1...40)))
        case 38: .pass(.milliseconds(random.number(1...400)))
        default: random.number(0...3) == 0 ? .stopDraining : .turn
        }
    }
}
