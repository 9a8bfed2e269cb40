// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The calls of write(2) that ``writeAll(_:_:)`` is in, on any thread. A write to a pipe whose reader has stopped does
/// not return, and its thread handles nothing meanwhile.
package enum OngoingWrites {
    private static let begun = Atomic(0)
    private static let ended = Atomic(0)

    static func during(_ write: () -> Int) -> Int {
        begun.add(1, ordering: .relaxed)
        defer { ended.add(1, ordering: .relaxed) }
        return write()
    }

    /// The number of calls that have returned; nil while none is under way.
    package static var endedCountWhileAny: Int? {
        let ended = ended.load(ordering: .relaxed)
        return begun.load(ordering: .relaxed) > ended ? ended : nil
    }
}
