// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// A measurement from the first connection to the last round: a script, because the reactor runs until a condition
/// holds.
final class BenchRun {
    struct Schedule {
        /// Zero for none.
        var warmUp: Duration
        var length: RoundLength
        /// Of each server.
        var roundCount: Int
    }

    private let reactor: Reactor
    private let schedule: Schedule
    private var progress: Progress
    private var loads: [Load] = []
    private var isInterrupted = false
    private var signals: Signals?

    /// The finished rounds of each server, in the order of the servers.
    private(set) var rounds: [[RoundResult]] = []
    /// Why not everything could be measured, or what was wrong; nil if all is well.
    private(set) var failure: Failure?

    init(_ reactor: Reactor, _ schedule: Schedule, showsProgress: Bool) throws {
        self.reactor = reactor
        self.schedule = schedule
        progress = Progress(onErrorsIf: showsProgress)
        signals = try Signals(reactor) { [unowned self] count in
            isInterrupted = true
            if count > 1 { self.reactor.stop() }
        }
    }

    /// Measures servers in turns. What was measured is in ``rounds``, even after a failure.
    func run(_ servers: [Destination], _ plan: LoadPlan) throws {
        defer { end() }
        rounds = servers.map { _ in [] }
        do {
            for server in servers { try connect(to: server, plan) }
            if schedule.warmUp > .zero {
                for load in loads { _ = try measure(load, .duration(schedule.warmUp), "warm-up") }
            }
            for round in 0..<schedule.roundCount {
                // In the opposite order each time, so that neither has an advantage from its place.
                let order = round.isMultiple(of: 2) ? Array(loads.indices) : loads.indices.reversed()
                for index in order {
                    let title = schedule.roundCount > 1 ? "\(round + 1)/\(schedule.roundCount) \(servers[index])" : ""
                    rounds[index].append(try measure(loads[index], schedule.length, title))
                }
            }
        } catch let failure as Failure {
            self.failure = failure
        }
        progress.clear()
        failure = failure ?? flaw
    }

    private func connect(to server: Destination, _ plan: LoadPlan) throws {
        let load = try Load(reactor, to: server, plan)
        loads.append(load)
        // Each client has a time limit of its own.
        reactor.run { isInterrupted || load.isConnected || load.failure != nil }
        if let failure = load.failure { throw failure }
        if isInterrupted || reactor.isStopped { throw Failure("interrupted") }
    }

    /// One round. After a failure, the part that was measured is a round as well.
    private func measure(_ load: Load, _ length: RoundLength, _ title: String) throws -> RoundResult {
        let ticker = reactor.schedule(after: .milliseconds(250), repeating: .milliseconds(250)) { [unowned self] in
            show(load, title)
        }
        defer { ticker.cancel() }
        let timeout = load.plan.timeout ?? .seconds(Int(Int32.max))
        var isStalled = false
        // The ticker's turns evaluate it, too.
        let isOver = { [unowned self] in
            isStalled = load.stallTime > timeout
            return isInterrupted || isStalled || load.failure != nil
        }
        load.begin(length)
        if case .duration(let time) = length {
            reactor.run(timeout: time, until: isOver)
            load.finish()
        }
        reactor.run { isOver() || load.isDone }
        let result = load.end()
        let reason: Failure? =
            load.failure ?? (isInterrupted || reactor.isStopped ? Failure("interrupted") : nil)
            ?? (isStalled ? Failure("no reply for \(readable(timeout)) (--timeout)", .timedOut) : nil)
        if let reason {
            if title != "warm-up", result.replyCount > 0, let index = loads.firstIndex(where: { $0 === load }) {
                rounds[index].append(result)
            }
            let missing = result.lostCount > 0 ? " (\(counted(result.lostCount, "reply", "replies")) missing)" : ""
            throw Failure(reason.message + missing, reason.status)
        }
        return result
    }

    private func show(_ load: Load, _ title: String) {
        let result = load.result
        let p99 = result.latencies.percentile(0.99).map { ", p99 \(readable($0))" } ?? ""
        let line =
            "\(decimal(Double(result.nanoseconds) / 1e9)) s, \(grouped(result.replyCount)) replies, "
            + "\(grouped(whole(result.messagesPerSecond)))/s\(p99)"
        // A terminal has at least 80 columns.
        progress.update(String((title.isEmpty ? line : "\(line)   \(title)").prefix(79)))
    }

    /// What is wrong with the replies.
    private var flaw: Failure? {
        let total = rounds.joined().reduce(RoundResult(), +)
        guard total.wrongCount > 0 else { return nil }
        let example = loads.compactMap(\.firstMismatch).first.map { "; the first: \($0)" } ?? ""
        return Failure(
            "\(counted(total.wrongCount, "wrong reply", "wrong replies"))\(example) (--expect or --no-check?)")
    }

    private func end() {
        for load in loads { load.close() }
        reactor.run(timeout: .seconds(5)) { loads.allSatisfy(\.isEnded) }
    }
}
