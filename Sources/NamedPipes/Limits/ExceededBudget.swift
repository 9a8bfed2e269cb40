// SPDX-License-Identifier: Apache-2.0

/// The budget of bytes that has no room left: carried by ``PipeError/budgetExceeded(_:)`` and
/// ``DisconnectReason/budgetExceeded(_:)``.
public struct ExceededBudget: Error, Hashable, Sendable {
    /// The set of connections whose bytes the budget counts.
    public enum Scope: Hashable, Sendable {
        /// The partial messages or the queue of one connection: ``PipeConnection/Configuration/heldByteLimit``,
        /// ``PipeServer/Configuration/byteBudgetPerConnection``.
        case connection
        /// What all connections of one user hold and have queued: ``PipeServer/Configuration/byteBudgetPerUser``.
        case user(UInt32)
        /// What all connections of the server hold and have queued: ``PipeServer/Configuration/byteBudget``.
        case server
    }

    /// The set of connections whose bytes the budget counts.
    public let scope: Scope

    /// The budget, in bytes.
    public let limit: Int

    /// Creates the description of an exhausted budget.
    ///
    /// - Parameters:
    ///   - scope: the connections whose bytes it counts.
    ///   - limit: the budget, in bytes.
    public init(scope: Scope, limit: Int) {
        self.scope = scope
        self.limit = limit
    }
}

extension ExceededBudget: CustomStringConvertible {
    /// The budget's scope and size.
    public var description: String {
        switch scope {
        case .connection: "the connection's budget of \(limit) bytes"
        case .user(let user): "the budget of user \(user), \(limit) bytes"
        case .server: "the server's budget of \(limit) bytes"
        }
    }
}
