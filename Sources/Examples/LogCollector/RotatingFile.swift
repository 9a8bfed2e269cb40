// SPDX-License-Identifier: Apache-2.0
#if Service
import CoreMetrics
import Glibc
import NamedPipes
import ServiceLifecycle

/// A file that becomes `FILE.1` when it is full, and `FILE.2` later, up to a number of files.
///
/// The promises about the lines:
///
/// - A file has whole lines only. Lines are written with one `write(2)`. If that fails half-way, the written part is
///   removed, and the part of a line that a crash may have left is cut off at the next start.
/// - A crash of the program loses nothing that was written. A crash of the machine loses a second at most, because the
///   program waits for the disk once a second (`fdatasync(2)`). A full file is on the disk before the next one is
///   begun.
/// - A file has at most this number of bytes, unless a single line has more.
///
/// An actor on its own thread, because disks make the writer wait.
actor RotatingFile: Service {
    struct Policy: Sendable {
        let path: String
        /// The maximum size of a file.
        let byteLimit: Int
        /// How many full files are kept, besides the one that is being written.
        let count: Int
        var syncInterval = Duration.seconds(1)
    }

    private nonisolated let executor: ReactorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let policy: Policy
    private var file: LineFile
    private let byteCount = Counter(label: "log_collector_bytes")
    private let rotationCount = Counter(label: "log_collector_rotations")
    private let syncTime = Timer(label: "log_collector_sync")

    init(_ policy: Policy, on executor: ReactorExecutor) async throws(SystemError) {
        self.policy = policy
        self.executor = executor
        file = try LineFile(path: policy.path)
    }

    /// Waits for the disk at intervals, until the group shuts down.
    func run() async throws {
        while !Task.isShuttingDownGracefully {
            let pause = policy.syncInterval
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
            try sync()
            try Task.checkCancellation()
        }
    }

    /// Writes lines, each of which ends with a line feed.
    func write(_ lines: [UInt8]) throws(SystemError) {
        var rest = lines[...]
        while !rest.isEmpty {
            let count = LineFile.wholeLineByteCount(
                of: rest, room: policy.byteLimit - file.byteCount, isFileEmpty: file.byteCount == 0)
            if count > 0 {
                try file.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            } else {
                try rotate()
            }
        }
        byteCount.increment(by: lines.count)
    }

    private func sync() throws(SystemError) {
        let start = ContinuousClock.now
        if try file.sync() { syncTime.recordNanoseconds(Int64((ContinuousClock.now - start) / .nanoseconds(1))) }
    }

    private func rotate() throws(SystemError) {
        try sync()
        for number in (1..<policy.count).reversed() {
            try rename("\(policy.path).\(number)", "\(policy.path).\(number + 1)", mayBeMissing: true)
        }
        try rename(policy.path, "\(policy.path).1", mayBeMissing: false)
        file = try LineFile(path: policy.path)
        rotationCount.increment()
    }

    /// A file with the new name is replaced.
    private func rename(_ old: String, _ new: String, mayBeMissing: Bool) throws(SystemError) {
        let isDone = unsafe Glibc.rename(old, new) == 0
        guard isDone || (mayBeMissing && errno == ENOENT) else { throw SystemError(call: "rename", code: errno) }
    }
}
#endif
