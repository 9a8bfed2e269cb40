// SPDX-License-Identifier: Apache-2.0

// Queries of a lifecycle that do not change it.

extension ClientLifecycle {
    /// The connection, until its end is reported.
    @inline(__always) var connection: Connection? {
        switch phase {
        case .connected(let connection, _), .disconnecting(let connection): connection
        case .idle, .attempting, .waitingToConnect, .ending, .waitingToReconnect, .ended: nil
        }
    }

    /// The state that the owner sees.
    var state: PipeClient.State {
        switch phase {
        case .idle: .idle
        case .attempting(let attempt), .waitingToConnect(let attempt):
            attempt.isServerMissing ? .waitingForServer : .connecting
        case .connected, .ending, .disconnecting: .connected
        case .waitingToReconnect(let delay): .waitingToReconnect(after: delay)
        case .ended: .disconnected
        }
    }

    /// Whether to make an attempt at the end of the turn.
    var isAttemptDue: Bool { if case .attempting = phase { true } else { false } }

    /// Whether an attempt is under way.
    var isTrying: Bool {
        switch phase {
        case .attempting, .waitingToConnect: true
        case .idle, .connected, .ending, .waitingToReconnect, .disconnecting, .ended: false
        }
    }

    /// Whether the directory may be watched for the missing server.
    var canWatch: Bool { isTrying && attempt.canWatch }

    /// Whether a message may wait for the next connection.
    var mayKeepMessages: Bool {
        switch phase {
        case .disconnecting, .ending(.end), .ended: false
        case .idle, .attempting, .waitingToConnect, .connected, .ending, .waitingToReconnect: true
        }
    }

    /// The attempt that is under way; traps if there is none.
    var attempt: ConnectAttempt {
        switch phase {
        case .attempting(let attempt), .waitingToConnect(let attempt): return attempt
        case .idle, .connected, .ending, .waitingToReconnect, .disconnecting, .ended:
            preconditionFailure("no attempt is under way")
        }
    }
}
