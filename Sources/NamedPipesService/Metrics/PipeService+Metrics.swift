// SPDX-License-Identifier: Apache-2.0
public import CoreMetrics

extension PipeService {
    /// Which numbers of a server are published through swift-metrics, and how often.
    ///
    /// Every label begins with ``prefix`` and an underscore. Each has the ``dimensions``; where the table names one
    /// more, it is there, too.
    ///
    /// | Label | Kind | What |
    /// |---|---|---|
    /// | `connections_accepted` | counter | clients that were let in |
    /// | `connections_closed` | counter, by `reason` | connections that have ended, `DisconnectReason.Kind` |
    /// | `connections_refused` | counter, by `reason` | clients that were turned away, `ConnectionRefusal` |
    /// | `messages_received`, `messages_sent` | counter | messages delivered, and taken by `send` |
    /// | `messages_dropped`, `messages_unsent` | counter | dropped for a slow reader; lost with their connection |
    /// | `bytes_received`, `bytes_sent` | counter | bytes, with what the framing adds |
    /// | `connections_open` | gauge | connections that are open |
    /// | `held_bytes`, `queued_bytes` | gauge | memory for what arrives and for what waits to be sent |
    /// | `queue_high_water_bytes` | gauge | the most that was ever queued |
    /// | `loop_lag` | timer | how long the last turn of the loop took, one value at each publication |
    /// | `loop_lag_max_seconds` | gauge | the longest turn so far |
    /// | `longest_callback_seconds` | gauge | the longest callback so far |
    /// | `callbacks_slow` | counter | callbacks longer than the reactor's `callbackTimeLimit` |
    /// | `shutdown` | timer | how long connections took to end after the stop, one value |
    ///
    /// The four about the loop are there if the reactor measures; see `Reactor.Configuration`.
    ///
    /// Counters grow by what has happened since the last publication. The last publication is made when the server has
    /// stopped. All of it happens on the reactor's thread, with some forty calls to the backend each time.
    public struct Metrics: Sendable {
        /// How often numbers are published, more than zero. The default is 10 s; nil means never.
        public var interval: Duration? = .seconds(10)

        /// The prefix of labels. The default is `pipe_server`.
        public var prefix = "pipe_server"

        /// The dimensions of every number. The default is nil: `address`, with the server's.
        public var dimensions: [(String, String)]?

        /// Where numbers go. The default is nil: where the program's `MetricsSystem` sends them.
        public var factory: (any MetricsFactory)?

        /// The defaults.
        public init() {}
    }
}
