// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Deals the clients that a pool's name has accepted to the workers.
///
/// The name belongs to a ``PipeServer`` without connections, which watches it, hands it over and publishes it again as
/// any server does; only the clients that it has admitted come here instead of being served. If there is one worker,
/// both are on the same reactor, and the client is served at once. Otherwise each worker gets all clients of a turn
/// together, with one wake-up.
final class PoolAcceptor {
    private let reactor: Reactor
    private let admission: SharedAdmission
    let workers: [PoolWorker]
    private var dealer: Dealer

    /// The only worker's server, if it is on this reactor.
    let onlyServer: PipeServer?

    /// The clients of this turn, for each worker.
    private var dealt: [[DealtConnection]]
    private var candidates: [Dealer.Candidate]
    private var isInTurn = false
    private var timer: ScheduledWork?

    init(
        _ reactor: Reactor, _ admission: SharedAdmission, _ workers: [PoolWorker], _ dealing: Dealing,
        onlyServer: PipeServer?
    ) {
        self.reactor = reactor
        self.admission = admission
        self.workers = workers
        self.onlyServer = onlyServer
        dealer = Dealer(dealing)
        dealt = Array(repeating: [], count: workers.count)
        candidates = Array(repeating: Dealer.Candidate(), count: workers.count)
    }

    deinit { timer?.cancel() }

    func takePlace<Failure: Error>(
        for peer: PeerCredentials, groups: () throws(Failure) -> [UInt32]
    ) throws(Failure) -> ConnectionRefusal? {
        try admission.takePlace(for: peer, now: reactor.now, groups: groups)
    }

    func giveBackPlace(of peer: PeerCredentials) { admission.giveBackPlace(of: peer) }

    /// Deals a client that has its place.
    func deal(_ connection: consuming AcceptedConnection) {
        if let onlyServer {
            workers[0].countConnection()
            return onlyServer.admitPlaced(connection)
        }
        beginTurn()
        let index = choose(for: connection.peer.userID)
        dealt[index].append(DealtConnection(connection, admission, to: workers[index]))
    }

    /// The index of the worker for a user's client.
    func choose(for userID: UInt32) -> Int {
        for (index, worker) in workers.enumerated() { candidates[index].load = worker.connectionCount }
        return dealer.choose(for: userID, among: candidates)
    }

    /// Finds out once a turn which workers are held.
    private func beginTurn() {
        guard !isInTurn else { return }
        isInTurn = true
        reactor.runAtEndOfTurn(self)
        let now = reactor.now
        for (index, worker) in workers.enumerated() { candidates[index].isHeld = worker.isHeld(at: now) }
    }

    /// Gives the workers what was dealt to them.
    func finishDealing() {
        isInTurn = false
        for (index, worker) in workers.enumerated() where !dealt[index].isEmpty {
            worker.give(dealt[index], at: reactor.now)
            dealt[index] = []
        }
        lookAfterHeldWorkers()
    }
}

extension PoolAcceptor: TurnWork {
    func runInTurn() { finishDealing() }
}

// MARK: - Held workers

extension PoolAcceptor {
    /// Looks later whether all workers have come for their clients.
    private func lookAfterHeldWorkers() {
        guard timer == nil, dealer.mayDealAgain, workers.contains(where: \.isExpected) else { return }
        timer = reactor.schedule(after: WorkerInbox<DealtConnection>.patience) { [unowned self] in
            timer = nil
            dealAgain()
            lookAfterHeldWorkers()
        }
    }

    /// Deals the clients of held workers to others, unless all workers are held.
    private func dealAgain() {
        let now = reactor.now
        let held = workers.filter { $0.isHeld(at: now) }
        guard !held.isEmpty, held.count < workers.count else { return }
        let clients = held.flatMap { $0.takeBackClients() }
        guard !clients.isEmpty else { return }
        beginTurn()
        for client in clients {
            let index = choose(for: client.peer.userID)
            client.move(to: workers[index])
            dealt[index].append(client)
        }
    }
}
