// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The value of a key.
struct Item {
    enum Content {
        case string([UInt8])
        /// A string that was used as a number: its decimal digits.
        case integer(Int)
        case list(ValueList)
    }

    var content: Content
    /// When it expires.
    var deadline = Moment.never
}

/// A time of a steady clock, as a mere number: the standard library's instants took a third of a GET's instructions,
/// because copying them is a call.
struct Moment: Comparable {
    let milliseconds: Int

    static var never: Moment { Moment(milliseconds: .max) }

    static var now: Moment {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    /// Nil beyond the range of the clock.
    func after(_ milliseconds: Int) -> Moment? {
        let (sum, isTooLarge) = self.milliseconds.addingReportingOverflow(milliseconds)
        return isTooLarge || sum == Moment.never.milliseconds ? nil : Moment(milliseconds: sum)
    }

    static func < (left: Moment, right: Moment) -> Bool { left.milliseconds < right.milliseconds }
}

/// A list that grows and shrinks at both ends.
///
/// A class, so that it is changed in place instead of being copied out of the table and back.
final class ValueList {
    // The first half is reversed, so that both ends of the list are ends of an array.
    private var front: [[UInt8]] = []
    private var back: [[UInt8]] = []

    var count: Int { front.count + back.count }

    subscript(index: Int) -> [UInt8] {
        index < front.count ? front[front.count - 1 - index] : back[index - front.count]
    }

    func prepend(_ value: [UInt8]) { front.append(value) }

    func append(_ value: [UInt8]) { back.append(value) }

    func popFirst() -> [UInt8]? {
        if front.isEmpty { Self.share(&back, with: &front) }
        return front.popLast()
    }

    func popLast() -> [UInt8]? {
        if back.isEmpty { Self.share(&front, with: &back) }
        return back.popLast()
    }

    /// Moves half of the elements to the empty end, which then has as many to give up before this is necessary again.
    private static func share(_ full: inout [[UInt8]], with empty: inout [[UInt8]]) {
        let half = (full.count + 1) / 2
        empty = full[..<half].reversed()
        full.removeFirst(half)
    }
}
