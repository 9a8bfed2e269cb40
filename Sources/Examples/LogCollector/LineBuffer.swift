// SPDX-License-Identifier: Apache-2.0
#if Service
import CoreMetrics
import FoundationEssentials
import Glibc
import NamedPipes
import ServiceLifecycle

/// Lines between the pipes and the disk: while one batch is being written, the next one accumulates here.
///
/// An actor on the thread of the pipes: appending a line is a function call. When too many bytes have accumulated, the
/// callers wait, and thereby their clients.
actor LineBuffer: Service {
    private static let byteLimit = 1 << 20

    private nonisolated let executor: ReactorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let file: RotatingFile
    private var bytes: [UInt8] = []
    private var isFinishing = false
    private var failure: (any Error)?
    private var writer: CheckedContinuation<Void, Never>?
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var clock = (second: time_t(0), text: "")
    private let lineCount = Counter(label: "log_collector_lines")

    init(writingTo file: RotatingFile, on executor: ReactorExecutor) {
        self.file = file
        self.executor = executor
    }

    /// Takes a line, or waits until there is room.
    ///
    /// - Throws: the reason why lines can no longer be written.
    func append(_ line: PipeMessage, from peer: PeerCredentials) async throws {
        while bytes.count >= Self.byteLimit, failure == nil {
            await withCheckedContinuation { waiting.append($0) }
        }
        if let failure { throw failure }
        bytes += "\(now) uid=\(peer.userID) pid=\(peer.processID) ".utf8
        line.withBytes { line in
            for index in line.indices { bytes.append(line[index]) }
        }
        bytes.append(0x0A)
        lineCount.increment()
        writer.take()?.resume()
    }

    /// Writes the lines, until the group shuts down and all are written. A file that cannot be written to ends the
    /// program: its clients notice that, and may keep their lines.
    func run() async throws {
        do {
            try await withGracefulShutdownHandler {
                while let batch = await nextBatch() { try await file.write(batch) }
            } onGracefulShutdown: {
                self.executor.post { _ in self.assumeIsolated { $0.finish() } }
            }
        } catch {
            failure = error
            letOthersGoOn()
            throw error
        }
    }

    private func finish() {
        isFinishing = true
        writer.take()?.resume()
    }

    private func nextBatch() async -> [UInt8]? {
        while bytes.isEmpty {
            if isFinishing || Task.isCancelled { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { writer = $0 }
            } onCancel: {
                executor.post { _ in self.assumeIsolated { $0.finish() } }
            }
        }
        defer {
            bytes = []
            letOthersGoOn()
        }
        return bytes
    }

    private func letOthersGoOn() {
        for task in waiting { task.resume() }
        waiting = []
    }

    /// The time in UTC, formatted anew once a second.
    private var now: String {
        let second = time(nil)
        if clock.second != second {
            clock = (second, Date(timeIntervalSince1970: Double(second)).formatted(.iso8601))
        }
        return clock.text
    }
}
#endif
