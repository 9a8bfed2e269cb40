// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// Asks one server repeatedly. Each question has a connection of its own, so that a server that comes back answers the
/// next one.
struct PingSession: Sendable {
    private let destination: Destination
    private let configuration: PipeClient.Configuration
    private let timeout: Duration?
    private let patience: Duration
    private let isEcho: Bool

    /// - Parameters:
    ///   - timeout: for each connection, and for each answer; nil is for ever.
    ///   - patience: how long to watch whether a server without statistics ends the connection at once.
    init(
        _ destination: Destination, _ configuration: PipeClient.Configuration, timeout: Duration?, patience: Duration,
        isEcho: Bool
    ) {
        self.destination = destination
        self.configuration = configuration
        self.timeout = timeout
        self.patience = patience
        self.isEcho = isEcho
    }

    /// Asks, until the task is cancelled at the latest, and returns the results so far.
    ///
    /// - Parameter print: receives a line for each question.
    func run(
        count: Int, interval: Duration?, on executor: ReactorExecutor, print: (String) throws -> Void
    ) async throws -> PingReport {
        var report = PingReport(address: "\(destination)", method: isEcho ? .echo : firstMethod)
        for number in 1...count {
            let next = ContinuousClock.now + (interval ?? .zero)
            report.askedCount += 1
            do {
                let time = try await ask(number, &report.method, on: executor)
                report.answeredCount += 1
                report.latencies.record(nanoseconds: time)
                try print("answer \(number) in \(readable(.nanoseconds(time))) (\(report.method.rawValue))")
            } catch is CancellationError {
                report.askedCount -= 1
                if report.answeredCount == 0 { report.failure = report.failure ?? Failure(CancellationError()) }
                break
            } catch {
                let failure = Failure(error)
                report.failure = report.failure ?? failure
                try print("no answer \(number): \(failure.message)")
            }
            guard number < count, !Task.isCancelled else { break }
            do { try await Task.sleep(until: next, clock: .continuous) } catch { break }
        }
        return report
    }

    private var firstMethod: PingReport.Method {
        if case .local = destination { .statistics } else { .connect }
    }

    /// - Returns: how long the answer took, in nanoseconds, with the connection.
    private func ask(
        _ number: Int, _ method: inout PingReport.Method, on executor: ReactorExecutor
    ) async throws -> Int {
        var start = MonotonicTime.nanoseconds
        if method == .statistics, case .local(let address) = destination {
            if try await offeredStatistics(beside: address, timeout: timeout, on: executor) != nil {
                return MonotonicTime.nanoseconds - start
            }
            method = .connect
            start = MonotonicTime.nanoseconds
        }
        return try await destination.withConnection(configuration, on: executor) { [start] connection in
            if isEcho { try await exchange(number, over: connection) }
            let time = MonotonicTime.nanoseconds - start
            if !isEcho { try await watch(connection) }
            return time
        }
    }

    /// A server that refuses this client ends the connection that the kernel has made.
    private nonisolated(nonsending) func watch(_ connection: AsyncPipeConnection) async throws {
        guard case .ended(let reason) = try await connection.answer(within: patience) else { return }
        throw Failure("the connection was \(reason.text)\(await connection.unansweredClose?.text ?? "")")
    }

    private nonisolated(nonsending) func exchange(_ number: Int, over connection: AsyncPipeConnection) async throws {
        let message = Array("pipectl ping \(number)".utf8)
        try await connection.send(message)
        switch try await connection.answer(within: timeout) {
        case .message(message): return
        case .message(let other): throw Failure("the server sent something else: \(printable(Array(other.prefix(40))))")
        case .ended(let reason): throw Failure("the connection was \(reason.text)")
        case .nothing: throw Failure("no answer (--timeout sets how long to wait)", .timedOut)
        }
    }
}
