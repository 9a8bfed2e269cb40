// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The part that a server plays in a pool. A plain server has none.
enum PoolPart {
    /// It has the name, and its clients are dealt to the workers.
    case acceptor(PoolAcceptor, PipeServerPool)
    /// It serves the clients that are dealt to it.
    case worker(PoolWorker)
}

extension PipeServer {
    /// The pool that this server belongs to; nil if it belongs to none, or if the pool has stopped.
    public var pool: PipeServerPool? {
        switch part {
        case nil: nil
        case .acceptor(_, let pool): pool
        case .worker(let worker): worker.pool
        }
    }

    // MARK: Places

    /// Takes a place for a client in the limits, the server's own or the pool's.
    ///
    /// - Parameter groups: the client's supplementary groups, evaluated only if they matter.
    /// - Returns: the reason to refuse the client; nil if it has its place, until ``giveBackPlace(of:)``.
    func takePlace(
        for peer: PeerCredentials, groups: () throws(SystemError) -> [UInt32]
    ) throws(SystemError) -> ConnectionRefusal? {
        switch part {
        case nil:
            let refusal = try admission.refusal(of: peer, openCount: connectionCount, now: reactor.now, groups: groups)
            if refusal == nil { admission.didOpen(peer) }
            return refusal
        case .acceptor(let acceptor, _): return try acceptor.takePlace(for: peer, groups: groups)
        case .worker(let worker): return try worker.takePlace(for: peer, now: reactor.now, groups: groups)
        }
    }

    /// A connection has ended, or its client was refused although it had a place.
    func giveBackPlace(of peer: PeerCredentials) {
        switch part {
        case nil: admission.didClose(peer)
        case .acceptor(let acceptor, _): acceptor.giveBackPlace(of: peer)
        case .worker(let worker): worker.giveBackPlace(of: peer)
        }
    }

    // MARK: The worker's server

    /// Serves a client that was dealt to this server, unless the acceptor has taken it back.
    func admitDealt(_ client: DealtConnection) {
        guard let connection = client.take() else { return }
        admitPlaced(connection)
    }

    /// Serves a client that has its place in the pool's limits and counts as one of the worker's.
    func admitPlaced(_ connection: consuming AcceptedConnection) {
        guard lifecycle.isServing else {
            giveBackPlace(of: connection.peer)
            return refuse(.stopping, connection.peer, closing: connection)
        }
        openIfWanted(connection, while: lifecycle.isServing)
    }

    // MARK: What the pool has to know

    /// The delegate of a worker, or a signal, stops this server: then all of the pool stops.
    func tellPool(thatItStopsWithin grace: Duration) {
        if case .worker(let worker) = part { worker.pool?.beginStopping(gracePeriod: grace) }
    }

    /// The server has stopped, as the last thing that happens to it.
    func tellPoolOfStop() {
        switch part {
        case nil: break
        case .acceptor(let acceptor, let pool):
            acceptor.finishDealing()
            pool.acceptorDidStop(statistics)
        case .worker(let worker): worker.serverDidStop(self)
        }
    }

    /// A client was refused by a worker's server. The acceptor's delegate tells the pool of all others.
    func tellPool(of report: RefusalReport) {
        if case .worker(let worker) = part { worker.pool?.tell(.refused(report)) }
    }
}
