// SPDX-License-Identifier: Apache-2.0

extension Reactor {
    /// How a reactor waits.
    ///
    /// ```swift
    /// var configuration = Reactor.Configuration()
    /// configuration.busyPollingTime = .microseconds(50)
    /// let reactor = try Reactor(configuration: configuration)
    /// ```
    public struct Configuration: Hashable, Sendable {
        /// How long the loop polls for the next event before it sleeps, counted from the last one. The default is zero:
        /// it sleeps at once. 20 to 100 µs are sensible; a negative value counts as zero.
        ///
        /// Waking up costs a thread some microseconds, and 20 to 27 µs if a virtual machine's CPU has to be woken with
        /// it. A polling loop avoids that, at the price of a CPU that is busy while it polls.
        ///
        /// - It helps if the peer answers sooner than the given time: one request after the other, on one connection.
        ///   There it was worth 3.9 times the rate on a virtual machine, and more if both ends poll.
        /// - It changes little if many connections keep the loop busy anyway.
        /// - It hurts if both ends share a CPU, because the peer cannot run while this end polls, and if the CPU has
        ///   other things to do.
        ///
        /// Polls that find nothing, or that lose the CPU to another thread, become rare automatically: a reactor
        /// without traffic sleeps, and a reactor with sparse events does not poll for each. `SO_BUSY_POLL` (socket(7))
        /// is the equivalent for network devices, and the kernel's `halt_poll_ns` for virtual CPUs; neither affects
        /// Unix sockets.
        public var busyPollingTime: Duration = .zero

        /// Whether to measure how long each callback and each turn takes; see ``Reactor/statistics``. The default is
        /// false: then the clock is not read. It costs about 0.2 µs for each callback.
        public var measuresCallbacks = false

        /// How long a callback may hold the loop before ``Reactor/reportSlowCallbacks(_:)`` reports it, from a separate
        /// thread, because the loop's cannot. The default is nil: there is no such thread. Setting it includes
        /// ``measuresCallbacks``; less than 1 ms counts as 1 ms.
        public var callbackTimeLimit: Duration?

        /// The defaults.
        public init() {}
    }
}
