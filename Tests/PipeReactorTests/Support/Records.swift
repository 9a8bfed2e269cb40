// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A count that any thread may raise.
final class Counter: Sendable {
    private let number = Atomic(0)
    func count() { number.add(1, ordering: .sequentiallyConsistent) }
    var value: Int { number.load(ordering: .sequentiallyConsistent) }
}

/// What happened, in order; from any thread.
final class Log: Sendable {
    private let list = Mutex<[String]>([])
    func add(_ entry: String) { list.withLock { $0.append(entry) } }
    var entries: [String] { list.withLock { $0 } }
}

func disableEpollByEnvironment() { unsafe setenv("EVENT_NOEPOLL", "1", 1) }
