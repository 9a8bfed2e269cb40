// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// Real connections on a real reactor, turned by hand, a few at a time: their peers write and read in any cuts, finish,
/// break off and vanish, while the owner sends, pauses, closes and aborts, inside callbacks and outside. Each
/// connection ends while others begin, so descriptor numbers are used again at once.
final class ConnectionWorld: ReactorWorld {
    private var random: Seeded
    let reactor: Reactor
    private let endpoint: Endpoint
    private let peersSendLargeMessages: Bool
    private let hasBudget: Bool
    private let taps: TapModel
    private var channels: [PipeConnection.ID: Channel] = [:]
    private var order: [PipeConnection.ID] = []
    private(set) var problems: [String] = []
    private var history: [String] = []
    private var openedCount = 0
    private var callbackDepth = 0
    private var isSettling = false

    init(_ seed: UInt64) throws {
        random = Seeded(seed)
        reactor = try Reactor()
        peersSendLargeMessages = random.isOne(of: 4)
        let budget = random.isOne(of: 4) ? random.pick([0, 50_000, 400_000, 2 << 20]) : nil
        let share = budget == nil ? nil : random.pick([.max, 300_000])
        hasBudget = budget != nil
        endpoint = Endpoint(
            reactor, Self.configuration(&random), Silence(), ByteLedger(limit: budget),
            byteShare: share)
        taps = TapModel(seed, endpoint)
        endpoint.delegate = self
        taps.begin()
    }

    private static func configuration(_ random: inout Seeded) -> PipeConnection.Configuration {
        var configuration = PipeConnection.Configuration()
        configuration.framing = random.pick([
            LengthPrefixFraming(), LengthPrefixFraming(), DelimiterFraming([0x0A], maximumMessageByteCount: 70_000),
            LengthPrefixFraming(width: .two, maximumMessageByteCount: 30_000), ContentLengthFraming(),
            NetstringFraming(givesEnvelope: true),
        ])
        configuration.highWaterMark = random.pick([50, 1000, 20_000, 1 << 20])
        configuration.lowWaterMark = configuration.highWaterMark / random.number(1...4)
        configuration.sendQueueLimit = random.pick([100, 30_000, 1 << 20])
        configuration.slowReaderPolicy = random.pick([.refuse, .refuse, .dropNewest])
        configuration.messagesPerTurn = random.pick([1, 2, 5, 4096])
        configuration.pausesReceivingAboveHighWaterMark = random.isOne(of: 2)
        configuration.closeTimeout = random.pick([.zero, .seconds(10), .seconds(10)])
        return configuration
    }

    func live() throws {
        for _ in 0..<random.number(1...3) { open() }
        for _ in 0..<random.number(5...60) {
            act()
            checkCounts()
            checkStates()
            if random.isOne(of: 2) { turn() }
        }
        settle()
        if reactor.registry.count != 0 { problems.append("\(reactor.registry.count) registry are left") }
        problems += taps.problems
        if !problems.isEmpty { problems.append("all of this happened: \(history.joined(separator: "; "))") }
        endpoint.delegate = nil
        endpoint.taps = nil
    }

    private func turn() {
        if history.last != "turn" { history.append("turn") }
        var wasTurned = false
        reactor.run(timeout: .zero) {
            defer { wasTurned = true }
            return wasTurned
        }
        if let problem = endpoint.accountsProblem { problems.append(problem) }
        checkStates()
        taps.takeAll()
        // A tenth of a second passes now and then.
        if endpoint.budget.demand != nil, isSettling || random.isOne(of: 4) { endpoint.relieve() }
    }

    private func checkCounts() {
        var queued = 0
        endpoint.forEachConnection { queued += $0.queuedMessageCount }
        if let problem = endpoint.countsProblem(queued: queued) { problems.append(problem) }
    }

    /// Whatever happened, the values of each connection agree with each other.
    private func checkStates() {
        endpoint.forEachConnection { if let problem = $0.stateProblem { problems.append(problem) } }
    }

    /// A connection as a server admits it.
    private func open() {
        guard openedCount < 8, !isSettling else { return }
        openedCount += 1
        guard let ends = SocketPair() else { return problems.append("no socket pair") }
        if random.isOne(of: 2) { try? Socket.setSendBuffer(ends.near, random.pick([0, 10_000])) }
        let connection = ends.connection(of: endpoint)
        let channel = Channel(
            connection, ends.far, endpoint.framing, hasBudget: hasBudget,
            report: { [unowned self] in problems.append($0) }, history: { [unowned self] in history.append($0) })
        channels[connection.id] = channel
        order.append(connection.id)
        history.append("\(connection.id) opens")
        do {
            try connection.start()
        } catch {
            problems.append("start: \(error)")
        }
        connection.didOpen()
    }

    /// Something happens to one of them.
    private func act() {
        taps.act()
        guard !order.isEmpty, !random.isOne(of: 20) else { return open() }
        let channel = channels[random.pick(order)]
        guard let channel, channel.reason == nil || !channel.isPeerClosed else { return }
        let choice = random.number(0...19)
        switch choice {
        case 0...4: peerPrepares(channel)
        case 5...8: channel.peerWrites(atMost: random.pick([1, 3, 50, 5000, 100_000, 250_000]))
        case 9...11: channel.peerReads(atMost: random.pick([1, 100, 10_000, 200_000]))
        case 12: if !channel.isPeerClosed, random.isOne(of: 4) { channel.peerFinishes() }
        case 13: if !channel.isPeerClosed, random.isOne(of: 6) { channel.peerStopsReading() }
        case 14: if random.isOne(of: 5) { channel.peerCloses() }
        default: actLocally(on: channel)
        }
    }

    private func peerPrepares(_ channel: Channel) {
        if random.isOne(of: 60) { return channel.peerPreparesGarbage() }
        do {
            // In runs, because a read that follows a large frame expects another of its size.
            let size = random.pick([16_400, 33_000, 40_000, 70_000, 100_000, 229_372, 240_000])
            for _ in 0..<random.number(1...4) {
                let isLarge = peersSendLargeMessages && !random.isOne(of: 4)
                try channel.peerPrepares(fitting(isLarge ? random.message(of: size) : random.message()))
            }
        } catch {
            problems.append("encode: \(error)")
        }
    }

    private func fitting(_ message: [UInt8]) -> [UInt8] {
        Array(message.prefix(endpoint.framing.maximumMessageByteCount))
    }

    /// The actions that the owner may take at any time, also inside callbacks.
    private func actLocally(on channel: Channel) {
        let choice = random.number(0...19)
        switch choice {
        case 0...9: channel.send(fitting(random.message()).span)
        case 10: if random.isOne(of: 4) { channel.finish() }
        case 11: if random.isOne(of: 4) { channel.close() }
        case 12: if random.isOne(of: 6) { channel.abort() }
        case 13, 14: channel.pause()
        default: channel.resume()
        }
    }

    /// Every connection may come to an end, and does.
    private func settle() {
        isSettling = true
        let peersFinishFirst = random.isOne(of: 2)
        var turns = 0
        while order.contains(where: { channels[$0]?.isSettled == false }), turns < 2000 {
            settleOnce()
            turns += 1
        }
        for id in order { channels[id]?.checkSettled() }
        for id in order {
            guard let channel = channels[id], channel.reason == nil else { continue }
            if !peersFinishFirst { channel.close() } else if !channel.isPeerClosed { channel.peerFinishes() }
        }
        turns = 0
        while order.contains(where: { channels[$0]?.reason == nil }), turns < 2000 {
            settleOnce()
            turns += 1
            // The delegate may have ignored the peer's finish, which leaves the closing to the owner.
            for id in order {
                if let channel = channels[id], channel.reason == nil, channel.hasFinished { channel.close() }
            }
        }
        for id in order where channels[id]?.reason == nil { problems.append("\(id) never ended") }
    }

    private func settleOnce() {
        for id in order {
            guard let channel = channels[id] else { continue }
            if channel.isPaused { channel.resume() }
            channel.peerWrites(atMost: 100_000)
            channel.peerReadsAll()
        }
        turn()
    }
}

extension ConnectionWorld: PipeConnectionDelegate {
    func connectionDidOpen(_ connection: PipeConnection) { inside(connection) { $0.didOpen() } }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let bytes = Array(lent: message)
        inside(connection) { channel in
            channel.didReceive(bytes)
            // As it was lent, so that it may leave in place.
            if random.isOne(of: 4) { channel.send(message) }
        }
    }

    func connectionDidDrain(_ connection: PipeConnection) { inside(connection) { $0.didDrain() } }

    func connection(_ connection: PipeConnection, didFailSendingWith unsentMessageCount: Int) {
        inside(connection) { $0.didFailSending(unsentMessageCount) }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        inside(connection) { channel in
            channel.didFinishReceiving()
            if random.isOne(of: 2) { channel.close() }
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        inside(connection) { $0.didClose(reason) }
    }

    /// The model's part of a callback, then any action that a callback may take.
    private func inside(_ connection: PipeConnection, _ body: (Channel) -> Void) {
        if callbackDepth > 0 { problems.append("a callback inside another") }
        callbackDepth += 1
        defer { callbackDepth -= 1 }
        checkCounts()
        taps.act()
        guard let channel = channels[connection.id] else { return problems.append("a callback of nobody's") }
        body(channel)
        taps.act()
        guard !isSettling, random.isOne(of: 3) else { return }
        // As at a server, whose listener is another event of the same turn.
        if random.isOne(of: 6) { reactor.schedule(after: .zero) { [weak self] in self?.open() } }
        guard callbackDepth == 1, let other = channels[random.pick(order)], other.reason == nil else { return }
        actLocally(on: other)
    }
}
