// SPDX-License-Identifier: Apache-2.0

/// A promise of the delegate contract that was not kept, and the events that led to it.
public struct ContractViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The side whose promise was broken.
    public enum Side: String, Hashable, Sendable {
        /// The delegate under test broke it.
        case delegate = "the delegate"
        /// NamedPipes broke it: please report that.
        case library = "the library"
    }

    /// The side whose promise was broken.
    public let side: Side

    /// The broken promise.
    public let problem: String

    /// The events until then, in order.
    public let history: [String]

    /// For the message of a failed test: the problem, and the history that shows it.
    public var description: String { "\(side.rawValue) \(problem)\n    after: \(history.joined(separator: "; "))" }
}
