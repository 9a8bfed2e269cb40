// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// The statistics of a server at its ``StatisticsEndpoint``: `PipeServer.statistics` and those of its reactor, as
/// one value that travels as JSON.
///
/// Members may be added in later versions; who reads the JSON ignores what it does not know.
public struct ServerSnapshot: Codable, Hashable, Sendable {
    /// Where the server listens, as text.
    public var address: String

    /// The server's process.
    public var processID: Int32

    /// A steady clock in seconds, from when statistics were first offered: the difference of two snapshots is the time
    /// for which their counts may be divided.
    public var seconds: Double

    /// How many connections are open.
    public var openCount: Int

    /// How many clients were let in.
    public var acceptedCount: Int

    /// How many connections have ended, by reason, such as `closedByPeer`: the names of `DisconnectReason.Kind`.
    public var closed: [String: Int]

    /// How many clients were turned away, by reason: the names of `ConnectionRefusal`.
    public var refused: [String: Int]

    /// How many messages were handed to the server's code.
    public var receivedMessageCount: Int

    /// How many bytes were read from clients.
    public var receivedByteCount: Int

    /// How many messages were taken to be sent.
    public var sentMessageCount: Int

    /// How many bytes the kernel took for clients.
    public var sentByteCount: Int

    /// How many messages had been taken and did not leave before their connection ended.
    public var unsentMessageCount: Int

    /// How many messages were dropped for slow readers.
    public var droppedMessageCount: Int

    /// Bytes of memory for messages that are not complete or not delivered yet.
    public var heldByteCount: Int

    /// Bytes of memory for what waits to be sent.
    public var queuedByteCount: Int

    /// The most that ``queuedByteCount`` has ever been.
    public var queueHighWaterByteCount: Int

    /// How promptly the loop serves; nil where the reactor does not measure it
    /// (`Reactor.Configuration.measuresCallbacks`).
    public var loop: Loop?

    /// How promptly a loop serves, from `Reactor.statistics`.
    public struct Loop: Codable, Hashable, Sendable {
        /// How long the last turn took, in seconds.
        public var lastLagSeconds: Double

        /// How long the longest turn took, in seconds.
        public var maximumLagSeconds: Double

        /// How many callbacks took longer than the reactor's limit.
        public var slowCallbackCount: Int

        init(_ statistics: Reactor.Statistics) {
            lastLagSeconds = statistics.lastLoopLag / .seconds(1)
            maximumLagSeconds = statistics.maximumLoopLag / .seconds(1)
            slowCallbackCount = statistics.slowCallbackCount
        }
    }

    /// The numbers of this moment. On the server's thread.
    ///
    /// - Parameters:
    ///   - server: whose.
    ///   - processID: of the process that this is.
    ///   - time: since statistics were first offered.
    ///   - loop: what its reactor has measured.
    public init(of server: PipeServer, processID: Int32, after time: Duration, loop: Reactor.Statistics? = nil) {
        let numbers = server.statistics
        address = server.address.description
        self.processID = processID
        seconds = time / .seconds(1)
        openCount = numbers.openCount
        acceptedCount = numbers.acceptedCount
        closed = numbers.closedCounts.named { "\($0)" }
        refused = numbers.refusedCounts.named(\.name)
        receivedMessageCount = numbers.receivedMessageCount
        receivedByteCount = numbers.receivedByteCount
        sentMessageCount = numbers.sentMessageCount
        sentByteCount = numbers.sentByteCount
        unsentMessageCount = numbers.unsentMessageCount
        droppedMessageCount = numbers.droppedMessageCount
        heldByteCount = numbers.heldByteCount
        queuedByteCount = numbers.queuedByteCount
        queueHighWaterByteCount = numbers.queueHighWaterByteCount
        self.loop = loop.map(Loop.init)
    }
}

extension Dictionary where Value == Int {
    fileprivate func named(_ name: (Key) -> String) -> [String: Int] {
        reduce(into: [:]) { $0[name($1.key), default: 0] += $1.value }
    }
}
