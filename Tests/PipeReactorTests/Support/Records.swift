// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A counter for any thread.
final class Counter: Sendable {
    private let number = Atomic(0)
    func count() { number.add(1, ordering: .sequentiallyConsistent) }
    var value: Int { number.load(ordering: .sequentiallyConsistent) }
}

/// A list of events in order, for any thread.
final class Log: Sendable {
    private let list = Mutex<[String]>([])
    func add(_ entry: String) { list.withLock { $0.append(entry) } }
    var entries: [String] { list.withLock { $0 } }
}

func disableEpollByEnvironment() { unsafe setenv("EVENT_NOEPOLL", "1", 1) }
