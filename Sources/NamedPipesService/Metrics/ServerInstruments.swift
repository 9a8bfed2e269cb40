// SPDX-License-Identifier: Apache-2.0
#if Service
internal import CoreMetrics
internal import NamedPipes

/// The counters, gauges and timers of one server; see ``PipeService/Metrics`` for their meaning.
///
/// All counters are made at the beginning, so that a backend shows a zero rather than nothing.
struct ServerInstruments: Sendable {
    private let counters: [(ServerCounter, Counter)]
    private let gauges: [(ServerCounter, Gauge)]
    private let closed: [DisconnectReason.Kind: Counter]
    private let refused: [ConnectionRefusal: Counter]
    private let shutdown: Timer
    /// One for the reactor of a server, or one for each of a pool's.
    private let loops: [LoopInstruments]

    /// - Parameter workerCount: the number of a pool's reactors; nil for a server.
    init(prefix: String, dimensions: [(String, String)], factory: any MetricsFactory, workerCount: Int?) {
        func counter(_ name: String, _ more: (String, String)...) -> Counter {
            Counter(label: prefix + name, dimensions: dimensions + more, factory: factory)
        }
        counters = ServerCounter.all.filter { $0.kind != .level }.map { ($0, counter($0.metric)) }
        gauges = ServerCounter.all.filter { $0.kind == .level }.map {
            ($0, Gauge(label: prefix + $0.metric, dimensions: dimensions, factory: factory))
        }
        closed = .each { counter("connections_closed", ("reason", "\($0)")) }
        refused = .each { counter("connections_refused", ("reason", $0.name)) }
        shutdown = Timer(label: prefix + "shutdown", dimensions: dimensions, factory: factory)
        let workers = workerCount.map { (0..<$0).map { [("worker", "\($0)")] } } ?? [[]]
        loops = workers.map { LoopInstruments(prefix: prefix, dimensions: dimensions + $0, factory: factory) }
    }

    /// Adds the increase to the counters, and sets the gauges.
    func record(_ change: PipeServer.Statistics) {
        for (counter, instrument) in counters { instrument.add(change[counter]) }
        for (counter, instrument) in gauges { instrument.record(change[counter]) }
        for (reason, count) in change.closedCounts { closed[reason]?.add(count) }
        for (reason, count) in change.refusedCounts { refused[reason]?.add(count) }
    }

    /// - Parameter index: the worker's; 0 for a server.
    func record(_ statistics: Reactor.Statistics, of index: Int, newSlowCallbackCount: Int) {
        loops[index].record(statistics, newSlowCallbackCount: newSlowCallbackCount)
    }

    func record(_ report: ShutdownReport) { shutdown.recordNanoseconds(report.duration.nanoseconds) }
}

/// The metrics of the loop, if the reactor measures it.
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
#endif
