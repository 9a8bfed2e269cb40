// SPDX-License-Identifier: Apache-2.0

/// The name of a group of a server's connections, to which messages are published.
///
/// ```swift
/// try connection.join("weather/berlin")
/// try server.publish(report, to: "weather/berlin")
/// ```
///
/// A group exists while it has members: joining creates it, and it ends with its last member. A connection leaves
/// all its groups by itself as soon as it can send no more.
public struct PipeGroup: Hashable, Sendable {
    /// Any text; two names are the same if Swift says so of the texts.
    public let name: String

    /// Names a group.
    public init(_ name: String) { self.name = name }
}

extension PipeGroup: ExpressibleByStringLiteral {
    /// Names a group.
    public init(stringLiteral value: String) { self.init(value) }
}

extension PipeGroup: CustomStringConvertible {
    /// The name.
    public var description: String { name }
}
