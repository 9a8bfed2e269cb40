// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The number of reactors of a pool, each with a thread of its own.
///
/// ```swift
/// let pool = try PipeServerPool(listeningOn: address, reactors: 4) { _ in Echo() }
/// ```
public struct ReactorCount: Hashable, Sendable, ExpressibleByIntegerLiteral {
    /// The number of reactors, 1 to 1,024.
    public let value: Int

    /// A number of reactors. Values beyond the limits count as the nearest limit.
    public init(_ value: Int) { self.value = min(max(value, 1), Self.limit) }

    /// A number of reactors.
    public init(integerLiteral value: Int) { self.init(value) }

    /// As many as this process has processors (`sched_getaffinity(2)`), at the time of the call.
    public static var cores: ReactorCount { ReactorCount(Processors.count) }

    private static let limit = 1024
}
