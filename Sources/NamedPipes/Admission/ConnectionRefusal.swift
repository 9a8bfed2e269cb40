// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

/// Why a client was turned away: closed unread, without a `connectionDidOpen`.
@nonexhaustive
public enum ConnectionRefusal: Int, Hashable, Sendable, CaseIterable {
    /// ``PipeServer/Configuration/accessPolicy`` does not admit the peer.
    case policy

    /// ``PipeServerDelegate/server(_:shouldAccept:)`` said no.
    case delegate

    /// ``PipeServer/Configuration/maximumConnectionCount`` was reached.
    case connectionLimit

    /// ``PipeServer/Configuration/maximumConnectionCountPerUser`` was reached.
    case userConnectionLimit

    /// The user connected more often than ``PipeServer/Configuration/connectRatePerUser`` allows.
    case userConnectRate

    /// The process or the system has no descriptor left (`EMFILE`, `ENFILE`).
    case descriptorLimit

    /// The server stopped while the client was being let in.
    case stopping

    /// A system call for this client failed, such as `epoll_ctl` with `ENOSPC`.
    case system
}

/// One client that was turned away, and how many are not told of.
public struct RefusalReport: Hashable, Sendable {
    /// Why.
    public let refusal: ConnectionRefusal

    /// The credentials of the client; nil with ``ConnectionRefusal/descriptorLimit``, where the kernel is not asked.
    public let peer: PeerCredentials?

    /// The error of the system, with ``ConnectionRefusal/descriptorLimit`` and ``ConnectionRefusal/system``.
    public let error: SystemError?

    /// How many were turned away for the same reason since the report before, without a report of their own.
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
        case .delegate: "the server's owner said no"
        case .connectionLimit: "the server has all the connections it takes"
        case .userConnectionLimit: "the user has all the connections it may have"
        case .userConnectRate: "the user connects too often"
        case .descriptorLimit: "no descriptor is left"
        case .stopping: "the server stops"
        case .system: "a system call failed"
        }
    }
}

extension RefusalReport: CustomStringConvertible {
    /// One line for a log, without anything of the peer's making.
    public var description: String {
        var text = "refused"
        if let peer { text += " \(peer)" }
        text += ": \(refusal)"
        if let error { text += ": \(error)" }
        return suppressedCount > 0 ? text + ", and \(suppressedCount) more before" : text
    }
}
