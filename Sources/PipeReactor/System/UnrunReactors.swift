// SPDX-License-Identifier: Apache-2.0
#if DEBUG
internal import Glibc
internal import Synchronization

/// Reactors that were made and never ran, in debug builds. A program that forgets to run one ends without a word: its
/// client stays connecting, its server has a name and accepts no one. If the thread that ends the process with status 0
/// has made such a reactor, with servers or clients on it, a line on standard error says so.
///
/// At the end of the process, because such a reactor is not released before: its servers and clients retain it. Of
/// other threads' reactors nothing is said, because those threads may be using them.
enum UnrunReactors {
    /// Not weak: an entry is removed before its reactor ends, and a weak reference would have memory of its own.
    @safe private struct Entry: Sendable {
        nonisolated(unsafe) private let reactor: Unmanaged<Reactor>

        init(_ reactor: Reactor) { unsafe self.reactor = .passUnretained(reactor) }

        /// Whether the calling thread made it, and left servers or clients on it.
        var isForgottenByCaller: Bool {
            unsafe reactor._withUnsafeGuaranteedRef { $0.executor.isCurrent && $0.registry.count > 0 }
        }
    }

    private static let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    /// The process that made the first reactor. In a child that was forked, the entries are its parent's, and a thread
    /// that exists in the parent only may hold the lock.
    private static let processID = ForkMark.callingProcessID

    /// on_exit(3), which unlike atexit(3) tells the status: a program that fails has other things to say.
    private static let isReporting =
        unsafe on_exit({ status, _ in if status == 0 { UnrunReactors.report() } }, nil) == 0

    static func add(_ reactor: Reactor) {
        guard isReporting, processID == ForkMark.callingProcessID else { return }
        let entry = Entry(reactor)
        let key = ObjectIdentifier(reactor.executor)
        entries.withLock { $0[key] = entry }
    }

    /// The reactor begins to run, or ends.
    static func remove(_ executor: ReactorExecutor) {
        guard processID == ForkMark.callingProcessID else { return }
        _ = entries.withLock { $0.removeValue(forKey: ObjectIdentifier(executor)) }
    }

    /// Whether a reactor was made and has not run.
    static func contains(_ executor: ReactorExecutor) -> Bool {
        entries.withLock { $0[ObjectIdentifier(executor)] != nil }
    }

    private static func report() {
        guard processID == ForkMark.callingProcessID else { return }
        guard entries.withLock({ $0.values.contains(where: \.isForgottenByCaller) }) else { return }
        let line = Array(
            """
            NamedPipes (debug build): the program ends, and its servers or clients never did anything, because nothing \
            ran their reactor: call run(), or make them in a ReactorThread\n
            """.utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }
}
#endif
