// SPDX-License-Identifier: Apache-2.0

/// Why there is no connection on which to send; see ``PipeError/notConnected(_:)``.
@nonexhaustive
public enum MissingConnection: Hashable, Sendable {
    /// Never: the client was not told to connect (``PipeClient/connect()``), or the program was given no connection.
    case notBegun

    /// Not yet, or not at the moment: the client is connecting, waits for a server, or reconnects. With
    /// ``PipeClient/Configuration/unsentMessages``, it keeps messages until then.
    case pending

    /// Not any more: this end has finished sending, or has closed or detached the connection.
    case finished

    /// Not any more: the connection has ended, the peer takes nothing more, or a client has given up.
    case ended
}

extension MissingConnection: CustomStringConvertible {
    /// `not connected yet`, for example.
    public var description: String {
        switch self {
        case .notBegun: "not connected"
        case .pending: "not connected yet"
        case .finished: "not connected any more: this end has finished"
        case .ended: "not connected any more"
        }
    }

    var remedy: String? {
        switch self {
        case .notBegun: "call connect() first"
        case .pending: "wait for connectionDidOpen, or let the client keep unsent messages"
        case .finished, .ended: nil
        }
    }
}

extension ConnectionLifecycle {
    /// Why nothing can be sent, where ``canSend`` is false.
    var missing: MissingConnection { state == .closed || endsByPeer || output == .failed ? .ended : .finished }
}

extension ClientLifecycle {
    /// Why nothing can be sent while there is no connection.
    var missing: MissingConnection {
        switch phase {
        case .idle: hasBegun ? .ended : .notBegun
        case .attempting, .waitingToConnect, .connected, .waitingToReconnect: .pending
        case .ending: mayKeepMessages ? .pending : .ended
        case .disconnecting, .ended: .ended
        }
    }
}

extension PipeClient {
    /// Why nothing can be sent now.
    var missing: MissingConnection { connection?.lifecycle.missing ?? lifecycle.missing }
}
