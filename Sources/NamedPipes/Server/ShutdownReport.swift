// SPDX-License-Identifier: Apache-2.0

/// The fate of messages and connections when a server stopped: ``PipeServer/shutdownReport``.
public struct ShutdownReport: Hashable, Sendable {
    /// The number of messages delivered since the stop began, including the burst in whose callback it was called.
    public internal(set) var deliveredMessageCount = 0

    /// The number of messages, queued when the stop began or taken since, that the kernel took completely.
    public internal(set) var sentMessageCount = 0

    /// The number of messages that `send` had taken and of which not one byte reached the kernel: certainly not
    /// delivered.
    public internal(set) var unsentMessageCount = 0

    /// The number of taken messages that were displaced by later ones; see ``PipeConnection/SlowReaderPolicy``.
    public internal(set) var displacedMessageCount = 0

    /// The number of messages that the kernel had taken in part: certainly not delivered whole. At most one for each
    /// connection.
    public internal(set) var partlySentMessageCount = 0

    /// The number of connections that ended since the stop began, by reason. Reasons that did not occur are absent.
    public internal(set) var endedCounts: [DisconnectReason.Kind: Int] = [:]

    /// How many of them were ended before they were done, because the grace period was over or ``PipeServer/stop()``
    /// was called.
    public internal(set) var forcedCount = 0

    /// The counts of the server's whole life, from its start to the end of the stop. All other numbers here are those
    /// of the stop alone.
    public internal(set) var totals = ServerCounts()

    /// The time until the last connection had ended.
    public internal(set) var duration = Duration.zero

    package init() {}

    /// How many connections ended since the stop began.
    public var endedCount: Int { endedCounts.values.reduce(0, +) }

    /// The former name of ``sentMessageCount``.
    @available(*, deprecated, renamed: "sentMessageCount")
    public var flushedMessageCount: Int { sentMessageCount }

    /// The former name of ``displacedMessageCount``.
    @available(*, deprecated, renamed: "displacedMessageCount")
    public var droppedMessageCount: Int { displacedMessageCount }
}

/// Adds up the fate of a server's messages and connections while it stops: a value, so that the sums can be tested.
struct ShutdownAccount {
    private let start: SuspendingClock.Instant
    private let before: ServerCounts
    private let pendingMessageCount: Int
    private var report = ShutdownReport()

    /// - Parameter pendingMessageCount: how many messages are queued, whole or in part, when the stop begins.
    init(at start: SuspendingClock.Instant, _ traffic: ServerCounts, pendingMessageCount: Int) {
        self.start = start
        before = traffic
        self.pendingMessageCount = pendingMessageCount
    }

    mutating func force(_ connectionCount: Int) { report.forcedCount += connectionCount }

    mutating func connectionEnded(_ reason: DisconnectReason.Kind, unsent: Int, hasPartlySent: Bool) {
        report.endedCounts[reason, default: 0] += 1
        report.unsentMessageCount += unsent
        report.partlySentMessageCount += hasPartlySent ? 1 : 0
    }

    func finish(at end: SuspendingClock.Instant, _ traffic: ServerCounts) -> ShutdownReport {
        var report = report
        report.duration = end - start
        report.totals = traffic
        report.deliveredMessageCount = traffic.receivedMessageCount - before.receivedMessageCount
        let taken = pendingMessageCount + traffic.takenMessageCount - before.takenMessageCount
        report.displacedMessageCount = traffic.displacedMessageCount - before.displacedMessageCount
        let lost = report.unsentMessageCount + report.partlySentMessageCount + report.displacedMessageCount
        report.sentMessageCount = taken - lost
        return report
    }
}
