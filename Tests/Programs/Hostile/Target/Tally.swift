// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a probe cannot see from outside: counted by the delegates of all workers, on their threads.
final class Tally: Sendable {
    struct Counts {
        var messages = 0
        var refusedSends = 0
        var failedOutputs = 0
        var endings: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())

    var now: Counts { counts.withLock { $0 } }

    func change(_ body: (inout Counts) -> Void) { counts.withLock { body(&$0) } }
}
