// SPDX-License-Identifier: Apache-2.0

/// Whether messages are delivered, and whether the delegate is to be told that the send queue has drained: a value, so
/// that it can be tested without a socket. ``PipeConnection`` reports events and asks for the consequences.
///
/// Receiving pauses for any of these reasons, and resumes when none is left:
///
/// ```
///     pause ─▶ paused by the owner  ─▶ resume
///     rise  ─▶ paused by the queue  ─▶ resumeBelowHighWaterMark, fall, outputDidFail
///     pauseForRoom ─▶ paused by a queue that no budget has room for ─▶ takePauseForRoom, outputDidFail
///     starve ─▶ starved of memory   ─▶ feed
///     awaitRescan ─▶ upgraded       ─▶ takeRescan
///     pauseForDescriptors ─▶ too many in flight ─▶ resumeForDescriptors
/// ```
///
/// The level of the send queue, as far as other code has to know it:
///
/// ```
///               rise                fall                 takeDrain
///     below ───────────▶ above ───────────▶ drain due ─────────────▶ below
///                          ▲                    │
///                          └─────── rise ───────┘
/// ```
struct FlowControl: StateByte {
    private(set) var byte: UInt8

    init(byte: UInt8 = 0) { self.byte = byte }

    // The owner called `pauseReceiving()`.
    private static let pausedByOwner: UInt8 = 1
    // The queue is above the high-water mark, and the configuration says that the peer has to wait then.
    private static let pausedByQueue: UInt8 = 2
    // A budget has no room for more.
    private static let starved: UInt8 = 4
    // The queue went above the high-water mark and has not yet come down to the low one.
    private static let above: UInt8 = 8
    // The queue came down to the low-water mark; the delegate has yet to be told.
    private static let drainDue: UInt8 = 16
    // As many descriptors are in flight as the limits allow.
    private static let pausedByDescriptors: UInt8 = 64
    // The queue waits for the kernel while a budget has little room.
    private static let pausedForRoom: UInt8 = 128
    private static let paused =
        pausedByOwner | pausedByQueue | pausedForRoom | starved | rescanDue | pausedByDescriptors

    // The framing has changed: the bytes behind the present message have to be scanned with the new one.
    private static let rescanDue: UInt8 = 32

    /// Whether messages are not delivered now, for whatever reason.
    var isPaused: Bool { byte & Self.paused != 0 }

    /// Whether nothing is read until a budget has room.
    var isStarved: Bool { byte & Self.starved != 0 }

    /// Whether nothing is received before the queue is written, because a budget has little room.
    var isPausedForRoom: Bool { byte & Self.pausedForRoom != 0 }

    /// Whether the queue went above the high-water mark and has not come down to the low one, so that a drain report is
    /// owed.
    var isAboveHighWaterMark: Bool { byte & Self.above != 0 }

    /// Whether something follows once the queue is written.
    var dependsOnQueue: Bool { byte & (Self.above | Self.pausedForRoom) != 0 }

    /// A contradiction between the bits, or nil.
    var problem: String? {
        let isAbove = isAboveHighWaterMark
        if byte & Self.pausedByQueue != 0, !isAbove { return "paused by a queue that is not above its mark" }
        if byte & Self.drainDue != 0, isAbove { return "a drain is due while the queue is above its mark" }
        return nil
    }

    // MARK: Receiving

    /// The owner wants no messages. May be called at any time, and repeatedly.
    mutating func pause() { byte |= Self.pausedByOwner }

    /// The owner wants messages. May be called at any time, and repeatedly.
    mutating func resume() { byte &= ~Self.pausedByOwner }

    /// A budget has no room for the message that has begun to arrive.
    mutating func starve() { byte |= Self.starved }

    /// There may be room now. May be called even if nothing was starved: the connection that asked for room may have
    /// found it elsewhere.
    mutating func feed() { byte &= ~Self.starved }

    /// The framing has changed: nothing is delivered until ``takeRescan()``.
    mutating func awaitRescan() { byte |= Self.rescanDue }

    /// Returns, once, whether the bytes that were read have to be scanned anew.
    mutating func takeRescan() -> Bool {
        guard byte & Self.rescanDue != 0 else { return false }
        byte &= ~Self.rescanDue
        return true
    }

    /// A limit has no room for the descriptors of the next messages.
    mutating func pauseForDescriptors() { byte |= Self.pausedByDescriptors }

    /// There may be room now. May be called even if nothing was paused.
    mutating func resumeForDescriptors() { byte &= ~Self.pausedByDescriptors }

    // MARK: The send queue

    /// The queue is above the high-water mark. A drain that was due but not reported merges with the next one.
    mutating func rise(pausingReceiving: Bool) {
        byte = byte & ~Self.drainDue | Self.above
        if pausingReceiving { byte |= Self.pausedByQueue }
    }

    /// The queue is below the high-water mark again, and still above the low one. Returns whether receiving resumes
    /// because of it.
    ///
    /// Receiving resumes below the high-water mark, the owner's sending at the low one. With the low one for both, only
    /// one direction of a connection with large messages would move at a time (0.8 of the rate at 4 MiB).
    mutating func resumeBelowHighWaterMark() -> Bool {
        guard byte & Self.pausedByQueue != 0 else { return false }
        byte &= ~Self.pausedByQueue
        return true
    }

    /// The queue is down at the low-water mark: receiving resumes, and the delegate is to be told.
    mutating func fall() {
        precondition(isAboveHighWaterMark, "a queue drains once for each time it was above its mark")
        byte = byte & ~(Self.above | Self.pausedByQueue) | Self.drainDue
    }

    /// Returns, once, whether the delegate is to be told of a drain.
    mutating func takeDrain() -> Bool {
        guard byte & Self.drainDue != 0 else { return false }
        byte &= ~Self.drainDue
        return true
    }

    /// The queue waits, and a budget has little room: nothing is received whose answer would have to be refused.
    mutating func pauseForRoom() { byte |= Self.pausedForRoom }

    /// The queue is written. Returns, once, whether receiving resumes because of it.
    mutating func takePauseForRoom() -> Bool {
        guard byte & Self.pausedForRoom != 0 else { return false }
        byte &= ~Self.pausedForRoom
        return true
    }

    /// The queue is gone for good: it never drains, and nothing pauses because of it.
    mutating func outputDidFail() { byte &= ~(Self.above | Self.pausedByQueue | Self.pausedForRoom | Self.drainDue) }
}
