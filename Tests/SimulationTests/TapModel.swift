// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// Taps of a world's connections, which change nothing of what happens there. In some worlds there is none. In others
/// there is one from the beginning to the end, which has to see as many messages as the endpoint counts. In the rest
/// taps come and go at any time, also inside callbacks.
final class TapModel {
    private enum Manner { case none, always, sometimes }

    private let endpoint: Endpoint
    private let manner: Manner
    // A source of its own, so that the rest of a world is the same with taps and without.
    private var random: Seeded
    private var attached: [MessageTap] = []
    private var seen: [TappedMessage.Direction: Int] = [:]
    private var found: [String] = []

    init(_ seed: UInt64, _ endpoint: Endpoint) {
        self.endpoint = endpoint
        random = Seeded(seed ^ 0x7461_7000)
        manner = random.pick([.none, .none, .always, .sometimes])
    }

    /// The endpoint has its delegate, and no connection yet.
    func begin() {
        if manner == .always { attach() }
    }

    /// A tap may come or go.
    func act() {
        guard manner == .sometimes, random.isOne(of: 3) else { return }
        if attached.isEmpty || random.isOne(of: 2) { return attach() }
        let tap = attached.remove(at: random.number(0...attached.count - 1))
        endpoint.detach(tap)
        if (endpoint.taps == nil) != attached.isEmpty { found.append("the endpoint is tapped without a tap, or not") }
    }

    private func attach() {
        let isFull = attached.count == PipeServer.maximumTapCount
        let tap = MessageTap(contentLimit: random.pick([0, 10, 1000]))
        guard endpoint.attach(tap, worker: nil) else {
            if !isFull { found.append("a tap was refused") }
            return
        }
        if isFull { found.append("a tap beyond the limit was attached") }
        attached.append(tap)
    }

    /// Takes what the taps have seen, before they lose any of it.
    func takeAll() {
        for tap in attached {
            let batch = tap.take()
            if batch.lostCount > 0 { found.append("\(batch.lostCount) messages lost") }
            for message in batch.messages { seen[message.direction, default: 0] += 1 }
        }
    }

    /// What was wrong, at the end.
    var problems: [String] {
        takeAll()
        guard manner == .always else { return found }
        let expected = [
            TappedMessage.Direction.toServer: endpoint.traffic.receivedMessageCount,
            .toClient: endpoint.traffic.takenMessageCount,
        ]
        for (direction, count) in expected where seen[direction, default: 0] != count {
            found.append("\(seen[direction, default: 0]) messages seen \(direction), of \(count)")
        }
        return found
    }
}
