// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport

@testable import NamedPipes

/// A client's lifecycle in any legal order of events, against the facts that it represents.
struct ClientWorld {
    private typealias Lifecycle = ClientLifecycle<Int>

    private var lifecycle: Lifecycle
    private var noise: Seeded
    private var now = SuspendingClock.now
    private let reconnects: Bool
    private let attemptLimit: Int

    // The model: the facts, each by itself.
    private var isTrying = false
    private var isDelayed = false
    private var connection: Int?
    private var connectionCount = 0
    private var isHearingOfEnd = false
    private var wantsToConnect = false
    private var isDisconnected = false
    private var hasEnded = false
    /// A failed attempt is made again: there was a connection since the owner called connect.
    private var hadConnection = false
    private var failuresInRow = 0
    private var history: [String] = []

    static func run(_ seed: UInt64) throws -> [String] {
        var random = Seeded(seed)
        var world = try ClientWorld(seed, &random)
        var problems: [String] = []
        for _ in 0..<random.number(1...60) {
            guard let problem = world.step(&random) ?? world.difference else { continue }
            problems.append("\(problem) after \(world.history)")
            break
        }
        return problems
    }

    private init(_ seed: UInt64, _ random: inout Seeded) throws {
        noise = Seeded(seed ^ 0xC11E)
        reconnects = !random.isOne(of: 4)
        attemptLimit = random.pick([.max, .max, 0, 1, 3])
        var reconnection = PipeClient.Reconnection()
        if attemptLimit < .max { reconnection.maximumAttemptCount = attemptLimit }
        lifecycle = Lifecycle(
            try .path("/run/simulation/\(seed)"), waitsForServer: random.isOne(of: 2), reconnects ? reconnection : nil)
    }

    /// One event, if it is possible now; returns what is wrong with the answer.
    private mutating func step(_ random: inout Seeded) -> String? {
        switch random.number(0...9) {
        case 0: return connect()
        case 1: return random.isOne(of: 4) ? disconnect() : nil
        case 2...5 where isTrying: return attempt(&random)
        case 6 where isDelayed: return delayDidPass()
        case 7, 8: return isHearingOfEnd ? connectionDidEnd(&random) : connectionWillReport()
        default:
            now += .milliseconds(random.number(0...3000))
            return nil
        }
    }

    // MARK: The owner

    private mutating func connect() -> String? {
        history.append("connect")
        let isIdle = !isTrying && !isDelayed && connection == nil && !isHearingOfEnd && !isDisconnected
        if isHearingOfEnd, !isDisconnected { wantsToConnect = true }
        guard case .begin = lifecycle.connect() else { return isIdle ? "connect does nothing" : nil }
        beginTrying()
        (hadConnection, failuresInRow) = (false, 0)
        return isIdle ? nil : "connect begins a second time"
    }

    private mutating func disconnect() -> String? {
        history.append("disconnect")
        let isFirst = !isDisconnected
        isDisconnected = true
        switch lifecycle.disconnect() {
        case .close(let closed):
            return isFirst && closed == connection
                ? nil : "\(closed) is closed instead of \(String(describing: connection))"
        case .rest:
            if connection != nil || hasEnded { return "it does not close its connection, or ends twice" }
            (isTrying, isDelayed, hasEnded) = (false, false, true)
            return nil
        case .nothing: return isFirst ? "disconnect does nothing" : nil
        case let other: return "disconnect: \(other)"
        }
    }

    // MARK: Attempts

    private mutating func beginTrying() { (isTrying, isDelayed) = (true, false) }

    private mutating func attempt(_ random: inout Seeded) -> String? {
        switch random.number(0...4) {
        case 0:
            history.append("connected")
            connectionCount += 1
            lifecycle.didConnect(connectionCount, at: now)
            (connection, isTrying, hadConnection, failuresInRow) = (connectionCount, false, true, 0)
            return nil
        case 1:
            history.append("full")
            let action = lifecycle.queueWasFull(using: &noise)
            return goesOn(action)
        case 2:
            history.append("time is up")
            return fails(lifecycle.timeDidPass(using: &noise), isForGood: false)
        case 3 where random.isOne(of: 6):
            history.append("wrong user")
            let peer = PeerCredentials(userID: 4711, groupID: 4711, processID: 1)
            return fails(lifecycle.attemptDidFail(.peerRefused(peer), using: &noise), isForGood: true)
        default:
            let code = random.pick([ENOENT, ECONNREFUSED, EACCES, EMFILE])
            history.append("errno \(code)")
            let action = lifecycle.connectDidFail(SystemError(call: "connect", code: code), using: &noise)
            guard case .waitForServer = action else { return fails(action, isForGood: false) }
            if random.isOne(of: 2) {
                guard case .attempt = lifecycle.didBeginToWatch(random.isOne(of: 2)), lifecycle.isAttemptDue else {
                    return "no look after the watch began"
                }
            }
            return nil
        }
    }

    private func goesOn(_ action: Lifecycle.Action) -> String? {
        if case .retry(let delay) = action, delay > .zero, !lifecycle.isAttemptDue { nil } else { "\(action)" }
    }

    private mutating func fails(_ action: Lifecycle.Action, isForGood: Bool) -> String? {
        isTrying = false
        if !isForGood, hadConnection { failuresInRow += 1 }
        let isOver = isForGood || !reconnects || !hadConnection || failuresInRow >= attemptLimit
        switch action {
        case .giveUp:
            return isOver ? nil : "it gives up after \(failuresInRow) failures of \(attemptLimit)"
        case .reconnect(let delay, _?):
            isDelayed = true
            if delay > .seconds(5) || delay <= .zero { return "a delay of \(delay)" }
            return isOver ? "it goes on after \(failuresInRow) failures of \(attemptLimit)" : nil
        default: return "\(action)"
        }
    }

    private mutating func delayDidPass() -> String? {
        history.append("delay")
        beginTrying()
        if case .begin = lifecycle.delayDidPass() { return nil }
        return "no attempt after the delay"
    }

    // MARK: The end of a connection

    private mutating func connectionWillReport() -> String? {
        guard connection != nil else { return nil }
        history.append("will report")
        lifecycle.connectionWillReport()
        (connection, isHearingOfEnd, wantsToConnect) = (nil, true, false)
        return nil
    }

    private mutating func connectionDidEnd(_ random: inout Seeded) -> String? {
        let isLost = !random.isOne(of: 3)
        history.append(isLost ? "lost" : "closed")
        isHearingOfEnd = false
        let returns = isLost && reconnects && attemptLimit > 0
        switch lifecycle.connectionDidEnd(isLost: isLost, at: now, using: &noise) {
        case .nothing: return hasEnded ? nil : "nothing follows the end"
        case .rest where isDisconnected:
            hasEnded = true
            return nil
        case .rest: return returns || wantsToConnect ? "it rests" : nil
        case .restAndConnect where !isDisconnected && wantsToConnect: return connect()
        case .reconnect(_, nil) where returns && !isDisconnected && !wantsToConnect:
            isDelayed = true
            return nil
        case let other: return "\(other) follows the end"
        }
    }

    /// The differences between the value and the facts.
    private var difference: String? {
        if lifecycle.connection != connection { return "another connection" }
        if lifecycle.isTrying != isTrying { return "isTrying is wrong" }
        if lifecycle.isAttemptDue, !isTrying { return "an attempt is due that is over" }
        if lifecycle.mayKeepMessages == isDisconnected { return "mayKeepMessages is wrong" }
        return switch lifecycle.state {
        case .idle: isTrying || isDelayed || connection != nil || isHearingOfEnd || hasEnded ? "idle" : nil
        case .connecting, .waitingForServer: isTrying ? nil : "trying"
        case .connected: connection != nil || isHearingOfEnd && !hasEnded ? nil : "connected"
        case .waitingToReconnect: isDelayed && !isTrying ? nil : "waiting"
        case .disconnected: hasEnded ? nil : "ended"
        }
    }
}
