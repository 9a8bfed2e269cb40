// SPDX-License-Identifier: Apache-2.0
#if Service
public import CoreMetrics

extension PipeService {
    /// Which numbers of a server are published through swift-metrics, and how often.
    ///
    /// Every `ServerCounter` is published under its `metric`, such as `messages_taken`: levels are gauges, all others
    /// are counters. The following metrics are published as well. Every label begins with ``prefix`` and an underscore,
    /// and each has the ``dimensions``, with one more where the table names it:
    ///
    /// | Label | Kind | What |
    /// |---|---|---|
    /// | `connections_closed` | counter, by `reason` | connections that have ended, `DisconnectReason.Kind` |
    /// | `connections_refused` | counter, by `reason` | clients that were refused, `ConnectionRefusal` |
    /// | `loop_lag` | timer | how long the last turn of the loop took, one value at each publication |
    /// | `loop_lag_max_seconds` | gauge | the longest turn so far |
    /// | `longest_callback_seconds` | gauge | the longest callback so far |
    /// | `callbacks_slow` | counter | callbacks longer than the reactor's `callbackTimeLimit` |
    /// | `shutdown` | timer | how long connections took to end after the stop, one value |
    ///
    /// The four metrics of the loop exist if the reactor measures; see `Reactor.Configuration`. With a pool, each
    /// worker has them, with the dimension `worker`; all other numbers are the sums.
    ///
    /// Counters grow by the increase since the last publication. The last publication is made when the server has
    /// stopped. Everything happens on the reactor's thread, with some forty calls to the backend each time; with a
    /// pool, it happens in a task of its own.
    public struct Metrics: Sendable {
        /// How often numbers are published, more than zero. The default is 10 s; nil means never.
        public var interval: Duration? = .seconds(10)

        /// The prefix of labels. The default is `pipe_server`.
        public var prefix = "pipe_server"

        /// The dimensions of every number. The default is nil: `address`, with the server's.
        public var dimensions: [(String, String)]?

        /// The destination of the numbers. The default is nil: the program's `MetricsSystem`.
        public var factory: (any MetricsFactory)?

        /// The defaults.
        public init() {}
    }
}
#endif
