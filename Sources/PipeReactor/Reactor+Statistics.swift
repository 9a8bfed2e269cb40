// SPDX-License-Identifier: Apache-2.0

extension Reactor {
    /// How promptly a loop serves; see ``Reactor/statistics``.
    public struct Statistics: Hashable, Sendable {
        /// How long the last turn of the loop took: something that became ready at its beginning had to wait so long.
        public internal(set) var lastLoopLag = Duration.zero

        /// The longest turn so far.
        public internal(set) var maximumLoopLag = Duration.zero

        /// The callback that took longest so far; nil before the first.
        public internal(set) var longestCallback: SlowCallback?

        /// How many callbacks took longer than ``Reactor/Configuration/callbackTimeLimit``.
        public internal(set) var slowCallbackCount = 0

        /// Nothing was measured yet.
        public init() {}
    }

    /// The measurements since the reactor was made; nil unless ``Configuration/measuresCallbacks`` or
    /// ``Configuration/callbackTimeLimit`` was set. On the reactor's thread.
    public var statistics: Statistics? { meter?.statistics }

    /// Has a function called, on a thread of its own, as soon as a callback holds the loop for longer than
    /// ``Configuration/callbackTimeLimit``: while it still does, at most a quarter of the limit late, and once for
    /// each.
    ///
    /// ```swift
    /// reactor.reportSlowCallbacks { log("the loop is held by \($0)") }
    /// ```
    ///
    /// Without a limit in the configuration, nothing is called. A later function takes the place of an earlier one.
    public func reportSlowCallbacks(_ report: @escaping @Sendable (SlowCallback) -> Void) { meter?.setReport(report) }
}

/// A callback and how long it took, or has taken so far.
public struct SlowCallback: Hashable, Sendable, CustomStringConvertible {
    /// The name of the callback: a delegate's method, such as `connection(_:didReceive:)`, or `timer`, `posted work`,
    /// `watched descriptor`, `accepting`, `connection` for what the library itself did about one.
    public let name: String

    /// The connection that it was about, as `PipeConnection.id` describes itself; nil where it was about none.
    public let connection: String?

    /// How long it took, without what it called that has a name of its own.
    public let duration: Duration

    init(_ name: StaticString, _ key: UInt64, _ duration: Duration) {
        self.name = "\(name)"
        connection = key == 0 ? nil : "\(key & 0xFFFF_FFFF).\(key >> 32)"
        self.duration = duration
    }

    /// One line for a log: `connection(_:didReceive:) on 17.1, 0.25 seconds`.
    public var description: String { "\(name)\(connection.map { " on \($0)" } ?? ""), \(duration)" }
}
