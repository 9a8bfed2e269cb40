// SPDX-License-Identifier: Apache-2.0

/// Which budget of bytes has no room left: carried by ``PipeError/budgetExceeded(_:)`` and
/// ``DisconnectReason/budgetExceeded(_:)``.
public struct ExceededBudget: Error, Hashable, Sendable {
    /// Whose bytes the budget counts together.
    public enum Scope: Hashable, Sendable {
        /// What one connection holds of messages that are not complete, or has queued:
        /// ``PipeConnection/Configuration/heldByteLimit``, ``PipeServer/Configuration/byteBudgetPerConnection``.
        case connection
        /// What all connections of one user hold and have queued: ``PipeServer/Configuration/byteBudgetPerUser``.
        case user(UInt32)
        /// What all connections of the server hold and have queued: ``PipeServer/Configuration/byteBudget``.
        case server
    }

    /// Whose bytes the budget counts together.
    public let scope: Scope

    /// The budget, in bytes.
    public let limit: Int

    /// Describes a budget that has no room left.
    ///
    /// - Parameters:
    ///   - scope: whose bytes it counts together.
    ///   - limit: the budget, in bytes.
    public init(scope: Scope, limit: Int) {
        self.scope = scope
        self.limit = limit
    }
}

extension ExceededBudget: CustomStringConvertible {
    /// Whose budget it is, and how large.
    public var description: String {
        switch scope {
        case .connection: "the connection's budget of \(limit) bytes"
        case .user(let user): "the budget of user \(user), \(limit) bytes"
        case .server: "the server's budget of \(limit) bytes"
        }
    }
}
