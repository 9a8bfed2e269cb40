// SPDX-License-Identifier: Apache-2.0

extension Reactor {
    /// How promptly a loop serves its events; see ``Reactor/statistics``.
    public struct Statistics: Hashable, Sendable {
        /// How long the last turn of the loop took: an event that became ready at its beginning had to wait for that
        /// time.
        public internal(set) var lastLoopLag = Duration.zero

        /// The longest turn so far.
        public internal(set) var maximumLoopLag = Duration.zero

        /// The callback that took longest so far; nil before the first.
        public internal(set) var longestCallback: SlowCallback?

        /// How many callbacks took longer than ``Reactor/Configuration/callbackTimeLimit``.
        public internal(set) var slowCallbackCount = 0

        /// Creates statistics without measurements.
        public init() {}
    }

    /// The measurements since the reactor was made; nil unless ``Configuration/measuresCallbacks`` or
    /// ``Configuration/callbackTimeLimit`` was set. On the reactor's thread.
    public var statistics: Statistics? { meter?.statistics }

    /// Calls a function, on a separate thread, as soon as a callback holds the loop for longer than
    /// ``Configuration/callbackTimeLimit``: while it still does, at most a quarter of the limit late, and once for each
    /// such callback.
    ///
    /// ```swift
    /// reactor.reportSlowCallbacks { log("the loop is held by \($0)") }
    /// ```
    ///
    /// Without a limit in the configuration, nothing is called. A later function replaces an earlier one.
    public func reportSlowCallbacks(_ report: @escaping @Sendable (SlowCallback) -> Void) { meter?.setReport(report) }
}

/// A callback and the time that it took, or has taken so far.
public struct SlowCallback: Hashable, Sendable, CustomStringConvertible {
    /// The name of the callback: a delegate's method, such as `connection(_:didReceive:)`, or `timer`, `posted work`,
    /// `watched descriptor`, `accepting`, or `connection` for the library's own work for a connection.
    public let name: String

    /// The connection that it concerned, as `PipeConnection.id` describes itself; nil if it concerned none.
    public let connection: String?

    /// How long it took, without callbacks inside it that have a name of their own.
    public let duration: Duration

    init(_ name: StaticString, _ key: UInt64, _ duration: Duration) {
        self.name = "\(name)"
        connection = key == 0 ? nil : "\(key & 0xFFFF_FFFF).\(key >> 32)"
        self.duration = duration
    }

    /// One line for a log: `connection(_:didReceive:) on 17.1, 250 ms`.
    public var description: String { "\(name)\(connection.map { " on \($0)" } ?? ""), \(duration.rounded)" }
}

extension Duration {
    /// With a unit, and as many digits as matter: `840 µs`, `112 ms`, `1.2 s`.
    fileprivate var rounded: String {
        let microseconds = Int64(self / .microseconds(1) + 0.5)
        if microseconds < 1000 { return "\(microseconds) µs" }
        if microseconds < 999_500 { return "\((microseconds + 500) / 1000) ms" }
        let tenths = (microseconds + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
