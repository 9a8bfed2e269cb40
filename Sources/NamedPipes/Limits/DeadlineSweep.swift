// SPDX-License-Identifier: Apache-2.0

/// Finds out which of a connection's deadlines has passed: a value without a clock.
///
/// Time is counted in ticks. Every beginning is stamped with the present tick, which costs one copy and no look at a
/// clock. One timer for all connections calls ``advance()``, at least ``interval`` after the previous call, and only
/// while something is watched; so a tick lasts an interval or longer. A stamped event happened before the tick that
/// follows it, and since then at least `interval` has passed for each further tick. Therefore, one tick more than fit
/// into a limit ensures that it is never cut short, even if the loop was held up. It may be late by two intervals.
struct DeadlineSweep {
    /// The minimum distance between two ticks: an eighth of the shortest limit, from 1 ms to 1 s.
    let interval: Duration

    /// The present tick.
    private(set) var tick: UInt32

    // Limits, in ticks.
    private let frame: UInt32?
    private let writeStall: UInt32?
    private let idle: UInt32?
    private let age: UInt32?

    /// The ticks that matter for a connection. Nil for what is not under way.
    struct Stamps {
        /// When the first byte of the partial frame arrived.
        var frameBegan: UInt32?
        /// When the kernel last took queued bytes, or when they were queued.
        var tookLast: UInt32?
        /// Once the output has failed: when that happened, or when the peer last sent something after it.
        var saidLast: UInt32?
        /// When something was last received or sent.
        var wasActive: UInt32
        /// When the connection was opened.
        var opened: UInt32
    }

    /// - Parameter tick: the present tick.
    init(_ configuration: PipeConnection.Configuration, at tick: UInt32 = 0) {
        self.tick = tick
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
        // A limit of more than the available ticks (49 days of the shortest ones) never expires.
        return UInt32(clamping: count)
    }

    /// Whether partial frames are watched.
    var watchesFrames: Bool { frame != nil }

    /// Whether waiting queues are watched, and connections that have lost their output.
    var watchesQueues: Bool { writeStall != nil }

    /// Whether every open connection is watched, whatever it does.
    var watchesEveryone: Bool { idle != nil || age != nil }

    /// Whether a limit may expire.
    func watches(_ stamps: Stamps) -> Bool {
        let isOutputLate = stamps.tookLast != nil || stamps.saidLast != nil
        return watchesEveryone || (watchesFrames && stamps.frameBegan != nil) || (watchesQueues && isOutputLate)
    }

    mutating func advance() { tick &+= 1 }

    /// The limit that has expired; if there are several, the most specific one.
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
