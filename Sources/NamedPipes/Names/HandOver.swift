// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// How the lock of a name passes from a live server to its successor. Both are processes of one user, because no other
// user can open the lock's file (mode 0600, in a directory in which no other user may rename).
//
//     successor                                   predecessor
//     becomes the candidate, rings        ──▶     sees the candidate, releases the lock; keeps the name and serves on
//     takes the lock                      ◀──
//     binds, listens, exchanges the names
//     ends its candidacy                  ──▶     its socket has lost its name: it accepts the clients that still wait,
//                                                 lets its clients finish, and stops
//
// Being the candidate is a lock, too, on the first byte of the same file. There is therefore one candidate at most, and
// others are told that the name is in use. A candidate that dies loses its candidacy, and the predecessor takes its
// lock back. At no time do clients find no server, and at no time do two servers believe that they own the name: only
// the holder of the lock renames. The same rule covers a predecessor that has lost its name before: it gives the lock
// up all the same, and ends only if another process has both the lock and the name.
//
// The lock's file says which socket is the predecessor's (LockRecord): the successor displaces that socket and no
// other.
//
// The bell is a change of the lock file's mode to the same value: the predecessor watches the file (inotify(7)), or
// checks it on a timer if it cannot.

/// The right to be the next owner of a name: an open file description lock, which ends with its process (`fcntl(2)`).
enum Candidacy {
    /// Returns false if another process is the candidate.
    static func begin(_ file: borrowing OwnedDescriptor) throws(PipeError) -> Bool {
        do { return try FirstByteLock.take(file) } catch { throw .system(error) }
    }

    static func end(_ file: borrowing OwnedDescriptor) { FirstByteLock.release(file) }

    /// Whether there is a candidate, which has opened the file itself.
    static func exists(for file: borrowing OwnedDescriptor) -> Bool {
        FirstByteLock.isHeldElsewhere(file)
    }
}

extension NameLock {
    /// The successor's part: returns when the lock is ours. Blocks the thread meanwhile, usually for a few
    /// milliseconds.
    static func askFor(
        _ file: borrowing OwnedDescriptor, of address: PipeAddress, _ patience: Duration
    ) throws(PipeError) {
        guard try Candidacy.begin(file) else { throw .addressInUse(address, holder: record(in: file).runningProcessID) }
        let deadline = SuspendingClock.now + patience
        var looks = 0
        while try !isLocked(file) {
            guard SuspendingClock.now < deadline else {
                throw .takeOverTimedOut(address, holder: record(in: file).runningProcessID)
            }
            // Rings more than once: a process that has just taken the name may not watch yet.
            if looks.isMultiple(of: 32) { ring(file) }
            looks += 1
            CurrentThread.sleepForMillisecond()
        }
    }

    private static func ring(_ file: borrowing OwnedDescriptor) {
        // A predecessor that does not hear the bell does not give the lock up in time, and that is reported.
        do { try OpenFile.setMode(file, mode) } catch {}
    }

    // MARK: The predecessor's part

    /// Whether a process wants to take the name over.
    var isWanted: Bool { Candidacy.exists(for: file) }

    /// Gives the lock up to the candidate.
    mutating func giveUp() {
        isHeld = false
        Self.unlock(file)
    }

    /// Takes the lock again, because the candidate is gone; false while another process has it.
    ///
    /// Also false if there is a candidate again: then a successor, which has the name meanwhile, has given the lock up
    /// for its own successor, which is to read the record of the one whose name it takes.
    mutating func takeBack() -> Bool {
        guard !isHeld else { return true }
        guard canBeHeld else { return false }
        guard !isWanted else {
            Self.unlock(file)
            return false
        }
        isHeld = true
        record()
        return true
    }

    /// Whether the lock is held, or was free and has just been taken.
    var canBeHeld: Bool {
        if isHeld { return true }
        do { return try Self.isLocked(file) } catch { return false }
    }

    /// The process ID of the present owner.
    var holder: Int32? { Self.record(in: file).runningProcessID }

    /// The successor has the name: other processes may become candidates.
    func endCandidacy() { Candidacy.end(file) }
}
