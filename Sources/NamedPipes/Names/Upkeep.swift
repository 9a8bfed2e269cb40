// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Protects a live server's files from programs that remove old ones.
///
/// To such a program a socket looks unused for as long as it lives, because connecting changes none of its times. Some
/// programs recognise live sockets by the names in `/proc/net/unix`; but that is the name to which a socket was bound,
/// and a socket that was published by renaming has another one.
///
/// So both files carry the sticky bit, which has no other meaning for them: systemd-tmpfiles(8) spares files that have
/// it, as the XDG Base Directory Specification demands of every cleaner. For cleaners that go by age alone, the times
/// are set to now whenever they are some hours old.
struct Upkeep {
    private var lastTime: ContinuousClock.Instant?

    /// The mode of a file with these permission bits and the sticky bit.
    static func spared(_ permissions: UInt16) -> UInt16 { permissions | 0o1000 }

    /// Whether a file's mode has the sticky bit.
    static func isSpared(_ mode: UInt32) -> Bool { mode & 0o1000 != 0 }

    /// The maximum age of a file's times, in seconds. Cleaners count in days.
    static let ageLimit = 4 * 60 * 60

    /// The minimum interval between two settings of the times. Setting them is a change that watches report, so a file
    /// system that keeps no times could otherwise keep the loop busy.
    private static let pause = Duration.seconds(60)

    /// Whether to set the file's times now; asked before each time.
    ///
    /// - Parameters:
    ///   - now: for the interval, on a clock that cannot be set.
    ///   - time: for the age, on the clock of the file systems.
    mutating func isDue(_ status: FileStatus, at now: ContinuousClock.Instant, _ time: Int) -> Bool {
        guard time - status.oldestUse >= Self.ageLimit else { return false }
        if let lastTime, now - lastTime < Self.pause { return false }
        lastTime = now
        return true
    }
}
