// SPDX-License-Identifier: Apache-2.0
#if Service

/// Lets a number of lines a second through and counts the others, so that clients cannot fill a disk. A value, so that
/// it can be tested with any time.
struct LogLimit {
    static let linesPerSecond = 10

    private var second: ContinuousClock.Instant?
    private var lineCount = 0
    private var suppressedCount = 0

    /// - Returns: how many lines were suppressed before this one, or nil if this one is.
    mutating func admit(at now: ContinuousClock.Instant) -> Int? {
        if second.map({ now - $0 >= .seconds(1) }) ?? true {
            second = now
            lineCount = 0
        }
        guard lineCount < Self.linesPerSecond else {
            suppressedCount += 1
            return nil
        }
        lineCount += 1
        defer { suppressedCount = 0 }
        return suppressedCount
    }
}
#endif
