// SPDX-License-Identifier: Apache-2.0
#if Service
import CoreMetrics
import Logging
import ServiceLifecycle
import Synchronization

/// A metrics system for a program without one: it writes all numbers to the log, once a minute and at the end. A larger
/// program uses a package that sends them to Prometheus or a similar system, and changes nothing else.
final class MetricsLog: MetricsFactory, Service {
    private let logger: Logger
    private let cells = Mutex<[String: MetricCell]>([:])

    init(_ logger: Logger) { self.logger = logger }

    func run() async throws {
        while !Task.isShuttingDownGracefully {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(60)) }
            write()
            try Task.checkCancellation()
        }
    }

    private func write() {
        let numbers = cells.withLock { $0.compactMapValues(\.value) }
        logger.info("metrics", metadata: numbers.mapValues { "\($0)" })
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { cell(label, dimensions) }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        cell(label, dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { cell(label, dimensions) }

    func destroyCounter(_ handler: any CounterHandler) {}

    func destroyRecorder(_ handler: any RecorderHandler) {}

    func destroyTimer(_ handler: any TimerHandler) {}

    private func cell(_ label: String, _ dimensions: [(String, String)]) -> MetricCell {
        // There is one server, so its address would add nothing.
        let details = dimensions.filter { $0.0 != "address" }.map { "\($0.0)=\($0.1)" }.joined(separator: ",")
        let name = details.isEmpty ? label : "\(label){\(details)}"
        return cells.withLock { cells in
            let cell = cells[name] ?? MetricCell()
            cells[name] = cell
            return cell
        }
    }
}

/// The sum of a counter, the last value of a gauge, or that of a timer, in nanoseconds.
private final class MetricCell: CounterHandler, RecorderHandler, TimerHandler {
    private let number = Mutex<Double?>(nil)

    /// Nil while there is none.
    var value: Double? { number.withLock { $0 } }

    func increment(by amount: Int64) { number.withLock { $0 = ($0 ?? 0) + Double(amount) } }

    func reset() { number.withLock { $0 = nil } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) { number.withLock { $0 = value } }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration)) }
}
#endif
