// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

/// The reason for which a client was refused: closed unread, without a `connectionDidOpen`.
@nonexhaustive
public enum ConnectionRefusal: Int, Hashable, Sendable, CaseIterable {
    /// ``PipeServer/Configuration/accessPolicy`` does not admit the peer.
    case policy

    /// ``PipeServerDelegate/server(_:shouldAccept:)`` returned false.
    case delegate

    /// ``PipeServer/Configuration/maximumConnectionCount`` was reached.
    case connectionLimit

    /// ``PipeServer/Configuration/maximumConnectionCountPerUser`` was reached.
    case userConnectionLimit

    /// The user connected more often than ``PipeServer/Configuration/connectRatePerUser`` allows.
    case userConnectRate

    /// The process or the system has no descriptor left (`EMFILE`, `ENFILE`).
    case descriptorLimit

    /// The server stopped while the client was being admitted.
    case stopping

    /// A system call for this client failed, such as `epoll_ctl` with `ENOSPC`.
    case system
}

/// One refused client, and the number of refusals that were not reported.
public struct RefusalReport: Hashable, Sendable {
    /// The reason.
    public let refusal: ConnectionRefusal

    /// The credentials of the client; nil with ``ConnectionRefusal/descriptorLimit``, for which the kernel is not
    /// asked.
    public let peer: PeerCredentials?

    /// The error of the system, with ``ConnectionRefusal/descriptorLimit`` and ``ConnectionRefusal/system``.
    public let error: SystemError?

    /// The number of clients that were refused for the same reason since the previous report, without a report of their
    /// own.
    public let suppressedCount: Int
}

extension ConnectionRefusal {
    /// The name of the case, for programs: the description is for people.
    package var name: String {
        switch self {
        case .policy: "policy"
        case .delegate: "delegate"
        case .connectionLimit: "connectionLimit"
        case .userConnectionLimit: "userConnectionLimit"
        case .userConnectRate: "userConnectRate"
        case .descriptorLimit: "descriptorLimit"
        case .stopping: "stopping"
        case .system: "system"
        }
    }
}

extension ConnectionRefusal: CustomStringConvertible {
    /// The reason in a few words, for a log.
    public var description: String {
        switch self {
        case .policy: "the policy does not admit this peer"
        case .delegate: "the server's delegate refused it"
        case .connectionLimit: "the server has reached its limit of connections"
        case .userConnectionLimit: "the user has reached its limit of connections"
        case .userConnectRate: "the user connects too often"
        case .descriptorLimit: "no descriptor is left"
        case .stopping: "the server is stopping"
        case .system: "a system call failed"
        }
    }
}

extension RefusalReport: CustomStringConvertible {
    /// One line for a log, without any text that the peer controls.
    public var description: String {
        suppressedCount > 0 ? "\(singleText), and \(suppressedCount) more before" : singleText
    }

    /// The same without those that were suppressed, for a log that counts them itself.
    package var singleText: String {
        var text = "refused"
        if let peer { text += " \(peer)" }
        text += ": \(refusal)"
        if let error { text += ": \(error)" }
        return text
    }
}
