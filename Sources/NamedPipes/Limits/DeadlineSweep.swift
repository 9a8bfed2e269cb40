// SPDX-License-Identifier: Apache-2.0

/// Which of a connection's deadlines has passed: a value without a clock.
///
/// Time is counted in ticks. Whatever begins is stamped with the present tick, which costs one copy and no look at a
/// clock. One timer for all connections calls ``advance()``, at least ``interval`` after it called the last time, and
/// only while somebody is watched; so a tick lasts an interval or longer. What is stamped began before the tick after
/// it, and since then at least `interval` has passed for each further tick: so one tick more than fit into a limit
/// makes sure that it is never cut short, also if the loop was held up. Late it may be, by two intervals.
struct DeadlineSweep {
    /// How far two ticks are apart at least: an eighth of the shortest limit, from 1 ms to 1 s.
    let interval: Duration

    /// The present.
    private(set) var tick: UInt32 = 0

    // Limits, in ticks.
    private let frame: UInt32?
    private let writeStall: UInt32?
    private let idle: UInt32?
    private let age: UInt32?

    /// What there is to know of a connection. Nil is what it is not in the middle of.
    struct Stamps {
        /// The unfinished frame's first byte.
        var frameBegan: UInt32?
        /// The kernel took something of what is queued, or it was queued.
        var tookLast: UInt32?
        /// The peer said something, or the output failed: nothing can be sent any more.
        var saidLast: UInt32?
        /// Something came in or went out.
        var wasActive: UInt32
        /// It was opened.
        var opened: UInt32
    }

    init(_ configuration: PipeConnection.Configuration) {
        let limits = [
            configuration.frameDeadline, configuration.writeStallDeadline, configuration.idleLimit,
            configuration.ageLimit,
        ]
        let interval = min(max((limits.compactMap(\.self).min() ?? .zero) / 8, .milliseconds(1)), .seconds(1))
        self.interval = interval
        let ticks = limits.map { $0.map { Self.ticks($0, interval) } }
        (frame, writeStall, idle, age) = (ticks[0], ticks[1], ticks[2], ticks[3])
    }

    private static func ticks(_ limit: Duration, _ interval: Duration) -> UInt32 {
        let step = interval.attoseconds
        let count = (max(limit, .zero).attoseconds + step - 1) / step + 1
        // What takes longer than there are ticks (49 days of the shortest ones) never comes.
        return UInt32(clamping: count)
    }

    /// Whether an unfinished frame is watched.
    var watchesFrames: Bool { frame != nil }

    /// Whether a queue that waits is watched, and a connection that has lost its output.
    var watchesQueues: Bool { writeStall != nil }

    /// Whether every open connection is watched, whatever it does.
    var watchesEveryone: Bool { idle != nil || age != nil }

    /// Whether a limit may be reached.
    func watches(_ stamps: Stamps) -> Bool {
        let isOutputLate = stamps.tookLast != nil || stamps.saidLast != nil
        return watchesEveryone || (watchesFrames && stamps.frameBegan != nil) || (watchesQueues && isOutputLate)
    }

    mutating func advance() { tick &+= 1 }

    /// Which limit has been reached; the one that says most comes first.
    func overdue(_ stamps: Stamps) -> DisconnectReason? {
        if let began = stamps.frameBegan, isOver(frame, since: began) { return .frameTimeout }
        if let took = stamps.tookLast, isOver(writeStall, since: took) { return .writeStalled }
        if let said = stamps.saidLast, isOver(writeStall, since: said) { return .outputFailed }
        if isOver(idle, since: stamps.wasActive) { return .idle }
        return isOver(age, since: stamps.opened) ? .ageLimit : nil
    }

    private func isOver(_ limit: UInt32?, since stamp: UInt32) -> Bool {
        guard let limit else { return false }
        return tick &- stamp >= limit
    }
}
