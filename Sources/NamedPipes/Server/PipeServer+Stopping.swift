// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Carries out the decisions of ServerLifecycle.

extension PipeServer {
    /// Whether the server has stopped, and every connection has had its `didCloseWith`.
    public var isStopped: Bool { lifecycle.isStopped }

    /// The fate of messages and connections since the server was told to stop; nil before `serverDidStop`.
    public var shutdownReport: ShutdownReport? { lifecycle.report }

    /// Gives the name up and ends every connection now. Queued messages are dropped, and each connection reports how
    /// many. May be called repeatedly, and after ``stop(gracePeriod:)`` to cut it short.
    ///
    /// Each connection's `didCloseWith` follows, with ``DisconnectReason/serverStopped``, then `serverDidStop`. Clients
    /// that were not accepted yet are reset, with nothing of theirs read, and may connect to a successor.
    public func stop() {
        endpoint.assertOwner()
        tellPool(thatItStopsWithin: .zero)
        beginStopping()
        let open = connections.filter { $0.lifecycle.state != .closed }
        lifecycle.force(open.count)
        for connection in open { connection.end(.serverStopped) }
        if lifecycle.endGrace() { grace.onEnd?() }
    }

    /// Gives the name up, delivers everything that has arrived, sends the queued messages, and closes each connection
    /// when it is done.
    ///
    /// A connection whose receiving is paused waits until it is resumed. May be called repeatedly: of several grace
    /// periods, the one that ends first counts.
    ///
    /// - Parameter grace: the time that this may take. Connections that are still open afterwards are ended as by
    ///   ``stop()``.
    public func stop(gracePeriod grace: Duration) {
        endpoint.assertOwner()
        guard lifecycle.canStopGracefully else { return }
        tellPool(thatItStopsWithin: grace)
        if beginStopping() {
            for connection in connections { connection.shutDown() }
        }
        limitGrace(to: grace)
    }

    /// Ends everything when the grace period is over, unless an earlier one is running.
    func limitGrace(to duration: Duration) {
        let duration = max(duration, .zero)
        guard lifecycle.limitGrace(to: reactor.now + duration) else { return }
        grace.limit?.cancel()
        grace.limit = reactor.limit(duration) { [unowned self] in stop() }
    }

    /// Ends all waiting.
    func endGrace() {
        lifecycle.forgetGrace()
        grace.limit?.cancel()
        grace = ShutdownGrace()
    }

    /// - Returns: whether the server was serving until now.
    @discardableResult
    private func beginStopping() -> Bool {
        let isFirst = lifecycle.beginStopping(
            ShutdownAccount(
                at: reactor.now, endpoint.traffic,
                pendingMessageCount: connections.reduce(0) { $0 + $1.pendingMessageCount }))
        guard isFirst else { return false }
        endListening()
        // The end itself is reported from the loop, even if there is no connection to wait for.
        reactor.runAtEndOfTurn(self)
        return true
    }

    func endListening() {
        for listener in nameState.close() { listener.stop() }
    }

    /// Called when the last connection may have ended.
    func finishStopping() {
        guard lifecycle.isStopping, connectionCount == 0 else { return }
        assert(endpoint.ledger.byteCount == 0, "connections that have ended hold \(endpoint.ledger.byteCount) bytes")
        lifecycle.finish(at: reactor.now, endpoint.traffic)
        if !endpoint.leavesClosingToOwner { endGrace() }
        tellOfStop()
    }
}

extension PipeServer: TurnWork, Registered {
    package func runInTurn() { finishStopping() }

    package func reactorDidStop() { stop() }
}
