// SPDX-License-Identifier: Apache-2.0

/// Limits what a server says on standard error about problems: at most one line a second for each kind, because a
/// client that can cause complaints could otherwise fill a log. Suppressed lines are counted, and the next line tells
/// how many there were.
struct Complaints {
    enum Kind: Hashable {
        case connection, refusal, accepting, name, regainedName, link, manager, statistics
    }

    private struct Record {
        var last: SuspendingClock.Instant
        var suppressedCount = 0
    }

    private var records: [Kind: Record] = [:]

    /// The line to print, or nil if there was one of its kind less than a second ago.
    ///
    /// - Parameter count: how many others it stands for, which were suppressed before. The default is 0.
    mutating func line(
        _ text: String, _ kind: Kind, alsoFor count: Int = 0, at now: SuspendingClock.Instant = .now
    ) -> String? {
        if let record = records[kind], now - record.last < .seconds(1) {
            records[kind]?.suppressedCount += 1 + count
            return nil
        }
        let suppressedCount = (records.updateValue(Record(last: now), forKey: kind)?.suppressedCount ?? 0) + count
        return suppressedCount == 0 ? text : "\(text) (and \(Self.more(suppressedCount)) like it before)"
    }

    /// The line for suppressed complaints that no later line has reported; nil if there are none.
    var rest: String? {
        let count = records.values.reduce(0) { $0 + $1.suppressedCount }
        return count == 0 ? nil : "\(Self.more(count)) \(count == 1 ? "was" : "were") suppressed"
    }

    private static func more(_ count: Int) -> String { counted(count, "complaint") }
}
