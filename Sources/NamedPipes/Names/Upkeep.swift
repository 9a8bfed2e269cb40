// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The protection of a live server's files from programs that remove old ones.
///
/// To such a program a socket looks unused for as long as it lives: connecting changes none of its times. And the name
/// in `/proc/net/unix`, by which some tell live sockets from dead ones, is the one that a socket was bound to, which
/// for a socket that was published by renaming is another one.
///
/// So both files carry the sticky bit, which means nothing else on them: systemd-tmpfiles(8) spares files that have it,
/// as the XDG Base Directory Specification demands of every cleaner. For those that go by age alone, the times are set
/// to now whenever they are some hours old.
struct Upkeep {
    private var lastTime: ContinuousClock.Instant?

    /// The mode of a file whose permission bits are these.
    static func spared(_ permissions: UInt16) -> UInt16 { permissions | 0o1000 }

    /// How old a file's times may become, in seconds. Cleaners count in days.
    static let ageLimit = 4 * 60 * 60

    /// How long to wait after setting times before setting them again: a file system that keeps no times must not keep
    /// the loop busy, since setting them is a change that watches tell of.
    private static let pause = Duration.seconds(60)

    /// Whether to set the file's times now; asked before each time.
    ///
    /// - Parameters:
    ///   - now: for the pause, on a clock that cannot be set.
    ///   - time: for the age, as file systems have it.
    mutating func isDue(_ status: FileStatus, at now: ContinuousClock.Instant, _ time: Int) -> Bool {
        guard time - status.oldestUse >= Self.ageLimit else { return false }
        if let lastTime, now - lastTime < Self.pause { return false }
        lastTime = now
        return true
    }
}
