// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EACCES
internal import var Glibc.ECONNREFUSED
internal import var Glibc.ENOENT
internal import var Glibc.ENOTDIR
internal import var Glibc.EPERM
internal import PipeReactor

/// Decides what to do about a connect that did not succeed: a value, so that it can be tested without a socket or a
/// clock.
///
/// A full queue is EAGAIN, and no event will ever report room, so the client asks again at random intervals. A missing
/// server is ENOENT (no name) or ECONNREFUSED (a name without a server, or with one that does not listen yet: other
/// servers bind before they listen).
struct ConnectAttempt {
    let address: PipeAddress
    let waitsForServer: Bool

    /// Whether the directory can be watched.
    var canWatch = true

    /// The obstacle of the last connect; nil before the first. It determines how a timeout is reported.
    private var obstacle: Obstacle?
    private var busyBackoff = Backoff(initialDelay: .milliseconds(1), maximumDelay: .milliseconds(50))
    private var refusedBackoff = Backoff(initialDelay: .milliseconds(10), maximumDelay: .seconds(1))

    private enum Obstacle {
        case fullQueue, missingServer
    }

    enum Step: Equatable {
        case retry(after: Duration)
        /// Until the directory changes, or the delay has passed.
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
            // The watch reports a name that appears; the timer covers what no event reports (see DirectoryWatch).
            let isWatched = canWatch && error.code != ECONNREFUSED && address.path != nil
            return .waitForServer(retryAfter: isWatched ? .seconds(5) : refusedBackoff.next(using: &generator))
        case EACCES, EPERM:
            return .fail(.accessDenied(address))
        default:
            return .fail(.system(error))
        }
    }

    /// Whether there was no server at the last connect.
    var isServerMissing: Bool { obstacle == .missingServer }

    /// The error to report when the time is up.
    var timeoutError: PipeError { obstacle == .fullQueue ? .backlogFull(address) : .timedOut }
}

extension PipeError {
    /// Whether not to try again. The name belongs to a server of the wrong user: connecting to it repeatedly would
    /// reveal the client to it each time, and never succeed.
    var isForGood: Bool {
        if case .peerRefused = self { true } else { false }
    }
}
