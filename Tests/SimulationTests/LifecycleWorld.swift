// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// A connection's lifecycle in any legal order of calls, against the facts that it represents.
struct LifecycleWorld {
    private var lifecycle = ConnectionLifecycle()

    // The model: the facts, each by itself.
    private var hasPeerFinished = false
    private var wasClosed = false
    private var wasFinished = false
    private var hasOutputFailed = false
    private var wasShutDown = false
    private var isOver = false
    private var endCount = 0

    static func run(_ seed: UInt64) -> [String] {
        var random = Seeded(seed)
        var world = LifecycleWorld()
        var problems: [String] = []
        var history: [String] = []
        for _ in 0..<random.number(1...16) {
            let problem = world.step(random.number(0...5), &history) ?? world.difference
            if let problem { problems.append("\(problem) after \(history)") }
        }
        _ = world.end()
        if world.endCount != 1 { problems.append("ended \(world.endCount) times: \(history)") }
        return problems
    }

    /// One call; returns its answer if the facts demand another one.
    private mutating func step(_ choice: Int, _ history: inout [String]) -> String? {
        let expected: ConnectionLifecycle.Action
        let action: ConnectionLifecycle.Action
        switch choice {
        case 0:
            guard lifecycle.isReceiving else { return nil }
            history.append("peer finished")
            hasPeerFinished = true
            lifecycle.peerDidFinish()
            return nil
        case 1:
            history.append("finish")
            expected = !isOver && !wasClosed && !wasFinished && !hasOutputFailed ? .flush : .nothing
            wasFinished = wasFinished || expected == .flush
            action = lifecycle.finishSending()
        case 2:
            history.append("close")
            expected = isOver || wasClosed ? .nothing : hasOutputFailed ? .close : .flush
            wasClosed = true
            action = lifecycle.close()
        case 3:
            history.append("drained")
            let tells = wasFinished && !wasShutDown && !hasOutputFailed
            expected = isOver ? .nothing : wasClosed ? .close : tells ? .shutDownOutput : .nothing
            wasShutDown = wasShutDown || expected == .shutDownOutput
            action = lifecycle.queueIsEmpty()
        case 4:
            guard !isOver else { return nil }
            history.append("output failed")
            let isFirst = !hasOutputFailed
            hasOutputFailed = true
            expected = !isFirst ? .nothing : wasClosed || hasPeerFinished ? .close : .abandonOutput
            action = lifecycle.outputDidFail()
        default:
            history.append("end")
            return end()
        }
        if action == .close { _ = end() }
        return action == expected ? nil : "\(action) instead of \(expected)"
    }

    private mutating func end() -> String? {
        let isFirst = lifecycle.end()
        defer { isOver = true }
        if isFirst { endCount += 1 }
        return isFirst != isOver ? nil : "ended a second time"
    }

    /// The differences between the value and the facts.
    private var difference: String? {
        if lifecycle.isReceiving != (!isOver && !wasClosed && !hasPeerFinished) { return "isReceiving is wrong" }
        let maySend = !isOver && !wasClosed && !wasFinished && !hasOutputFailed
        if lifecycle.canSend != maySend { return "canSend is wrong" }
        if lifecycle.canWrite != (!isOver && !hasOutputFailed && !wasShutDown) { return "canWrite is wrong" }
        return nil
    }
}
