// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// One run: a history, applied to a delegate.
final class ConformanceRun {
    static let name = "subject"

    let network: any ConformanceNetwork
    let watches: ContractWatches
    private let subject: Subject
    private let history: ConformanceHistory
    let options: DelegateConformance
    private var peers: [ConformancePeer] = []
    private var peersByConnection: [PipeConnection.ID: ConformancePeer] = [:]
    private var connections: [PipeConnection.ID: PipeConnection] = [:]
    private var ended: [Ended] = []
    private var pausedHere: Set<PipeConnection.ID> = []
    /// Whether everything has to end now.
    private var isSettling = false
    /// The connections on which another part of the program has acted.
    private var touchedHere: Set<PipeConnection.ID> = []
    private var isStopping = false
    private var meddling: [ConformanceHistory.Meddling]
    private var told: [String] = []
    private var tellsEvents = true
    private var violations: [ContractViolation] = []

    private struct Ended {
        weak var connection: PipeConnection?
    }

    /// The broken promise.
    static func violations<Network: ConformanceNetwork>(
        of history: ConformanceHistory, _ options: DelegateConformance, _ watchCount: Int,
        _ makeNetwork: (ConformanceHistory) throws -> Network,
        _ makeSubject: (ConformanceHistory, Network, ContractWatches) throws -> Subject
    ) throws -> [ContractViolation] {
        var run: ConformanceRun? = try ConformanceRun(history, options, watchCount, makeNetwork, makeSubject)
        let keepers = run?.watches.keepers ?? []
        run?.live()
        var found = run?.violations ?? []
        let told = run?.told ?? []
        for watch in run?.watches.all ?? [] { watch.forget() }
        run = nil
        if options.checksLifetime, keepers.contains(where: { $0.object != nil }) {
            found.append(
                ContractViolation(
                    side: .delegate, problem: "is kept alive after its end by a reference cycle", history: told))
        }
        return found
    }

    private init<Network: ConformanceNetwork>(
        _ history: ConformanceHistory, _ options: DelegateConformance, _ watchCount: Int,
        _ makeNetwork: (ConformanceHistory) throws -> Network,
        _ makeSubject: (ConformanceHistory, Network, ContractWatches) throws -> Subject
    ) throws {
        self.history = history
        self.options = options
        meddling = history.meddling
        let network = try makeNetwork(history)
        self.network = network
        watches = ContractWatches(watchCount, network.reactor, timeLimit: options.callbackTimeLimit)
        subject = try makeSubject(history, network, watches)
        for watch in watches.all {
            watch.report = { [unowned self] in note($0, $1) }
            watch.whenCalled = { [unowned self] in didCall($0, $1) }
            watch.meddle = { [unowned self] in meddle($0, $1) }
        }
        if case .client(let client) = subject {
            memory?.listeners[client.address] = { [unowned self] in add($0) }
        }
    }

    func note(_ side: ContractViolation.Side, _ problem: String) {
        violations.append(ContractViolation(side: side, problem: problem, history: told))
    }

    /// Adds one line to the history for everything that follows, in place of single steps and events.
    func tell(inOneLine what: String) {
        told.append(what)
        tellsEvents = false
    }

    var peerCount: Int { peers.count }

    /// Whether there is no point in continuing.
    var isOver: Bool { network.reactor.isStopped || watches.hasHeldLoop }

    /// Only there, clients have peers.
    private var memory: MemoryNetwork? { network as? MemoryNetwork }

    private func add(_ end: any ConformanceEnd) {
        guard let peer = ConformancePeer(end, subject.framing(of: options), options.makeReplies()) else { return }
        peers.append(peer)
        // Elsewhere than in memory, a connection may open before its peer knows.
        for (id, connection) in connections where peersByConnection[id] == nil && peer.isPeer(of: connection) {
            peersByConnection[id] = peer
        }
    }

    // MARK: The steps

    private func live() {
        switch history.kind {
        case .steps:
            for step in history.steps where !isOver {
                told.append("\(step)")
                take(step)
            }
        case .visitors: receiveVisitors()
        case .hoarder: receiveHoarder()
        }
        settleAccounts()
        for watch in watches.all { watch.report = { _, _ in } }
    }

    func letTimePass() { rest(network.rest(after: options.patience)) }

    func take(_ step: ConformanceHistory.Step) {
        switch step {
        case .connect: connect()
        case .turn: settle()
        case .pass(let duration): rest(network.rest(after: duration))
        case .stop: stop(draining: false)
        case .stopDraining: stop(draining: true)
        case .send(let peer, let messages): with(peer) { peer in for message in messages { peer.send(message) } }
        case .sendPart(let peer): with(peer) { $0.sendPart() }
        case .sendGarbage(let peer): with(peer) { $0.sendGarbage() }
        case .finish(let peer): with(peer) { $0.finish() }
        case .close(let peer): with(peer) { $0.close() }
        case .stopReading(let peer): with(peer) { $0.stopReading() }
        case .readOn(let peer): with(peer) { $0.readOn() }
        case .local(let peer, let action):
            with(peer) { peer in
                guard let connection = connections.values.first(where: peer.isPeer) else { return }
                take(action, connection)
            }
        }
    }

    private func with(_ index: Int, _ body: (ConformancePeer) -> Void) {
        if peers.indices.contains(index) { body(peers[index]) }
    }

    private func connect() {
        switch subject {
        case .server(let server): if let end = try? network.makeEnd(to: server.address) { add(end) }
        case .pool(let pool): if let end = try? network.makeEnd(to: pool.address) { add(end) }
        case .client(let client):
            client.connect()
            // A client has its connection a turn later, and the next step needs it.
            settle()
        }
    }

    private func stop(draining: Bool) {
        isStopping = true
        for watch in watches.all { watch.isStopping = true }
        subject.stop(draining: draining)
    }

    private func take(_ action: ConformanceHistory.LocalAction, _ connection: PipeConnection) {
        touchedHere.insert(connection.id)
        switch action {
        case .close: connection.close()
        case .abort: connection.abort()
        case .finishSending: connection.finishSending()
        case .pause:
            pausedHere.insert(connection.id)
            connection.pauseReceiving()
        case .resume:
            pausedHere.remove(connection.id)
            connection.resumeReceiving()
        case .stop: stop(draining: false)
        }
    }

    private func settle() { rest(network.rest(after: .zero)) }

    private func rest(_ hasCometoRest: Bool) {
        if !hasCometoRest, !network.reactor.isStopped { note(.delegate, "never lets the loop come to rest") }
        // Timers and tasks hold the loop just as callbacks do.
        if let slowest = network.reactor.statistics?.longestCallback { watches.first.check(slowest) }
    }

    // MARK: Callbacks

    private func didCall(_ connection: PipeConnection, _ event: PipeEvent) {
        if tellsEvents { told.append("→ \(event)") }
        if event == .opened {
            connections[connection.id] = connection
            peersByConnection[connection.id] = peers.first { $0.isPeer(of: connection) }
        }
        let peer = peersByConnection[connection.id]
        switch event {
        case .received(let message):
            if let problem = peer?.didDeliver(message) { note(.library, problem) }
        case .finishedReceiving:
            // To a handler, a server that stops gracefully looks like a peer that has finished sending.
            let mayBeDraining = isStopping && watches.first.handlers != nil
            if !mayBeDraining {
                if peer?.hasFinished == false { note(.library, "reported a finish that did not happen") }
                checkAllDelivered(peer)
            }
        case .closed(let reason):
            if reason == .resetByPeer || reason.kind == .truncatedByPeer { checkAllDelivered(peer) }
            if reason == .closedLocally { checkAllSent(connection, peer) }
            if reason == .closedByPeer, let peer, peer.isListening, !touchedHere.contains(connection.id) {
                peer.hasEndedInOrder = true
            }
            connections[connection.id] = nil
            ended.append(Ended(connection: connection))
        default: break
        }
    }

    private func checkAllDelivered(_ peer: ConformancePeer?) {
        guard let peer, peer.missingCount > 0 else { return }
        note(.library, "told of the end before \(peer.missingCount) messages")
    }

    /// A peer that has finished may well wait for the last replies: the connection has to be closed, which sends them,
    /// and not aborted.
    private func checkAllSent(_ connection: PipeConnection, _ peer: ConformancePeer?) {
        guard let peer, peer.hasFinished, peer.isListening, !isStopping, !touchedHere.contains(connection.id) else {
            return
        }
        let count = connection.unsentMessageCount
        if count > 0 { note(.delegate, "dropped \(count) replies to a peer that has finished sending and still reads") }
    }

    private func meddle(_ connection: PipeConnection, _ kind: ContractWatch.Kind) {
        // A pause that begins while all peers are ending would never be resumed.
        let isMeant = { (meddling: ConformanceHistory.Meddling) in
            meddling.callback == kind && !(self.isSettling && meddling.action == .pause)
        }
        guard let index = meddling.firstIndex(where: isMeant) else { return }
        let action = meddling.remove(at: index).action
        told.append("\(action.rawValue) inside")
        take(action, connection)
    }

    // MARK: The end

    /// Lets all peers end, and checks that all connections do.
    private func settleAccounts() {
        memory?.listeners = [:]
        isSettling = true
        for id in pausedHere { connections[id]?.resumeReceiving() }
        for peer in peers { peer.readOn() }
        settle()
        for peer in peers { peer.finish() }
        told.append("all peers finish; \(options.patience) pass")
        if !watches.hasHeldLoop { letTimePass() }
        checkClosed()
        for peer in peers { peer.close() }
        stop(draining: false)
        settle()
        for watch in watches.all { watch.letHandlersEnd(letTimePass) }
        checkEnded()
        network.end()
        if case .client = subject { return }
        if !watches.haveStopped { note(.library, "never told of the server's stop") }
    }

    private func checkClosed() {
        guard !isOver else { return }
        for id in watches.openConnections {
            let isHeldUp = peersByConnection[id]?.isHeldUp ?? false
            note(
                .delegate,
                isHeldUp ? "neither reads on nor closes" : "did not close a connection whose peer has finished")
        }
        for peer in peers {
            if let problem = peer.streamProblem { note(.library, "sent bytes that do not fit the framing: \(problem)") }
            if let problem = peer.replyProblem { note(.library, problem) }
        }
    }

    private func checkEnded() {
        if !watches.openConnections.isEmpty, !network.reactor.isStopped {
            note(.library, "never told of the end of a connection")
        }
        if options.checksLifetime, ended.contains(where: { $0.connection != nil }) {
            note(.delegate, "keeps a connection that has ended")
        }
    }
}
