// SPDX-License-Identifier: Apache-2.0
internal import CoreMetrics
internal import NamedPipes

/// The counters, gauges and timers of one server; see ``PipeService/Metrics`` for what they mean.
///
/// All counters are made at the beginning, so that a backend shows a zero rather than nothing.
struct ServerInstruments: Sendable {
    private let accepted: Counter
    private let closed: [DisconnectReason.Kind: Counter]
    private let refused: [ConnectionRefusal: Counter]
    private let receivedMessages: Counter
    private let sentMessages: Counter
    private let droppedMessages: Counter
    private let unsentMessages: Counter
    private let receivedBytes: Counter
    private let sentBytes: Counter
    private let open: Gauge
    private let held: Gauge
    private let queued: Gauge
    private let highWater: Gauge
    private let shutdown: Timer
    private let loop: LoopInstruments

    init(prefix: String, dimensions: [(String, String)], factory: any MetricsFactory) {
        func counter(_ name: String, _ more: (String, String)...) -> Counter {
            Counter(label: prefix + name, dimensions: dimensions + more, factory: factory)
        }
        func gauge(_ name: String) -> Gauge {
            Gauge(label: prefix + name, dimensions: dimensions, factory: factory)
        }
        accepted = counter("connections_accepted")
        closed = .each { counter("connections_closed", ("reason", "\($0)")) }
        refused = .each { counter("connections_refused", ("reason", $0.name)) }
        receivedMessages = counter("messages_received")
        sentMessages = counter("messages_sent")
        droppedMessages = counter("messages_dropped")
        unsentMessages = counter("messages_unsent")
        receivedBytes = counter("bytes_received")
        sentBytes = counter("bytes_sent")
        open = gauge("connections_open")
        held = gauge("held_bytes")
        queued = gauge("queued_bytes")
        highWater = gauge("queue_high_water_bytes")
        shutdown = Timer(label: prefix + "shutdown", dimensions: dimensions, factory: factory)
        loop = LoopInstruments(prefix: prefix, dimensions: dimensions, factory: factory)
    }

    func add(_ change: StatisticsChange) {
        accepted.add(change.accepted)
        for (reason, count) in change.closed { closed[reason]?.add(count) }
        for (reason, count) in change.refused { refused[reason]?.add(count) }
        receivedMessages.add(change.receivedMessages)
        sentMessages.add(change.sentMessages)
        droppedMessages.add(change.droppedMessages)
        unsentMessages.add(change.unsentMessages)
        receivedBytes.add(change.receivedBytes)
        sentBytes.add(change.sentBytes)
    }

    func set(_ numbers: PipeServer.Statistics) {
        open.record(numbers.openCount)
        held.record(numbers.heldByteCount)
        queued.record(numbers.queuedByteCount)
        highWater.record(numbers.queueHighWaterByteCount)
    }

    func record(_ statistics: Reactor.Statistics, newSlowCallbackCount: Int) {
        loop.record(statistics, newSlowCallbackCount: newSlowCallbackCount)
    }

    func record(_ report: ShutdownReport) { shutdown.recordNanoseconds(report.duration.nanoseconds) }
}

/// The metrics of the loop, if it measures itself.
private struct LoopInstruments: Sendable {
    private let lag: Timer
    private let maximumLag: Gauge
    private let longestCallback: Gauge
    private let slowCallbacks: Counter

    init(prefix: String, dimensions: [(String, String)], factory: any MetricsFactory) {
        lag = Timer(label: prefix + "loop_lag", dimensions: dimensions, factory: factory)
        maximumLag = Gauge(label: prefix + "loop_lag_max_seconds", dimensions: dimensions, factory: factory)
        longestCallback = Gauge(label: prefix + "longest_callback_seconds", dimensions: dimensions, factory: factory)
        slowCallbacks = Counter(label: prefix + "callbacks_slow", dimensions: dimensions, factory: factory)
    }

    func record(_ statistics: Reactor.Statistics, newSlowCallbackCount: Int) {
        lag.recordNanoseconds(statistics.lastLoopLag.nanoseconds)
        maximumLag.record(statistics.maximumLoopLag / .seconds(1))
        if let callback = statistics.longestCallback { longestCallback.record(callback.duration / .seconds(1)) }
        slowCallbacks.add(newSlowCallbackCount)
    }
}

extension Counter {
    fileprivate func add(_ count: Int) {
        if count != 0 { increment(by: count) }
    }
}

extension Dictionary where Key: CaseIterable {
    fileprivate static func each(_ make: (Key) -> Value) -> Self {
        Dictionary(uniqueKeysWithValues: Key.allCases.map { ($0, make($0)) })
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 { Int64(self / .nanoseconds(1)) }
}
