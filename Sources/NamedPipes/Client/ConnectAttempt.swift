// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EACCES
internal import var Glibc.ECONNREFUSED
internal import var Glibc.ENOENT
internal import var Glibc.ENOTDIR
internal import var Glibc.EPERM
internal import PipeReactor

/// What to do about a connect that did not succeed: a value, so that it can be tested without a socket or a clock.
///
/// A full queue is EAGAIN, and no event will ever tell that there is room: ask again, at random distances. Without a
/// server it is ENOENT (no name) or ECONNREFUSED (a name, and nobody behind it, or not yet: other servers bind before
/// they listen).
struct ConnectAttempt {
    let address: PipeAddress
    let waitsForServer: Bool

    /// Whether the directory can be watched.
    var isWatching = true

    /// What the last connect said; what a timeout is reported as depends on it.
    private var lastError: PipeError?
    private var busyBackoff = Backoff(initialDelay: .milliseconds(1), maximumDelay: .milliseconds(50))
    private var refusedBackoff = Backoff(initialDelay: .milliseconds(10), maximumDelay: .seconds(1))

    enum Step: Equatable {
        case retry(after: Duration)
        /// Until the directory changes, or the time has passed.
        case waitForServer(retryAfter: Duration)
        case fail(PipeError)
    }

    init(address: PipeAddress, waitsForServer: Bool) {
        self.address = address
        self.waitsForServer = waitsForServer
    }

    /// After a connect that found the server's queue full.
    mutating func queueWasFull(using generator: inout some RandomNumberGenerator) -> Step {
        lastError = .backlogFull(address)
        return .retry(after: busyBackoff.next(using: &generator))
    }

    /// After a connect that failed.
    mutating func didFail(_ error: SystemError, using generator: inout some RandomNumberGenerator) -> Step {
        switch error.code {
        case ENOENT, ENOTDIR, ECONNREFUSED:
            lastError = nil
            guard waitsForServer else { return .fail(.noServer(address)) }
            // Watching tells of a name that appears; the clock is for what no event tells (see DirectoryWatch).
            let isWatched = isWatching && error.code != ECONNREFUSED && address.path != nil
            return .waitForServer(retryAfter: isWatched ? .seconds(5) : refusedBackoff.next(using: &generator))
        case EACCES, EPERM:
            return .fail(.accessDenied(address))
        default:
            return .fail(.system(error))
        }
    }

    /// What the end of the time means.
    var timeoutError: PipeError { lastError ?? .timedOut }
}
