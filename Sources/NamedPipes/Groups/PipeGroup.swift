// SPDX-License-Identifier: Apache-2.0

/// The name of a group of a server's connections, to which messages are published.
///
/// ```swift
/// try connection.join("weather/berlin")
/// try server.publish(report, to: "weather/berlin")
/// ```
///
/// A group exists while it has members: joining creates it, and it ends with its last member. A connection leaves all
/// its groups automatically as soon as it can send no more.
public struct PipeGroup: Hashable, Sendable {
    /// Any text. Two names are the same if they are equal as Swift strings.
    public let name: String

    /// Creates a group's name.
    public init(_ name: String) { self.name = name }
}

extension PipeGroup: ExpressibleByStringLiteral {
    /// Creates a group's name.
    public init(stringLiteral value: String) { self.init(value) }
}

extension PipeGroup: CustomStringConvertible {
    /// The name.
    public var description: String { name }
}
