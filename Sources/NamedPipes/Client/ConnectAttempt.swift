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
    var canWatch = true

    /// What the last connect ran into; nil before the first. What a timeout is reported as depends on it.
    private var obstacle: Obstacle?
    private var busyBackoff = Backoff(initialDelay: .milliseconds(1), maximumDelay: .milliseconds(50))
    private var refusedBackoff = Backoff(initialDelay: .milliseconds(10), maximumDelay: .seconds(1))

    private enum Obstacle {
        case fullQueue, missingServer
    }

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
        obstacle = .fullQueue
        return .retry(after: busyBackoff.next(using: &generator))
    }

    /// After a connect that failed.
    mutating func didFail(_ error: SystemError, using generator: inout some RandomNumberGenerator) -> Step {
        switch error.code {
        case ENOENT, ENOTDIR, ECONNREFUSED:
            obstacle = .missingServer
            guard waitsForServer else { return .fail(.noServer(address)) }
            // Watching tells of a name that appears; the timer is for what no event tells (see DirectoryWatch).
            let isWatched = canWatch && error.code != ECONNREFUSED && address.path != nil
            return .waitForServer(retryAfter: isWatched ? .seconds(5) : refusedBackoff.next(using: &generator))
        case EACCES, EPERM:
            return .fail(.accessDenied(address))
        default:
            return .fail(.system(error))
        }
    }

    /// Whether there was no server at the last look.
    var isServerMissing: Bool { obstacle == .missingServer }

    /// What the end of the time means.
    var timeoutError: PipeError { obstacle == .fullQueue ? .backlogFull(address) : .timedOut }
}

extension PipeError {
    /// Whether another attempt is not to be made. A server of the wrong user has the name: connecting to it again and
    /// again would tell it of every client, and no client of it.
    var isForGood: Bool {
        if case .peerRefused = self { true } else { false }
    }
}
