// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Carries out what ConnectAttempt and Backoff decide. connect(2) on a socket file never waits: it succeeds, fails, or
// finds the queue full.

extension PipeClient {
    func beginAttempt() {
        attempt = ConnectAttempt(address: address, waitsForServer: configuration.waitsForServer)
        change(to: .connecting)
        if let timeout = configuration.connectTimeout {
            deadline = reactor.limit(timeout) { [weak self] in self?.timeIsUp() }
        }
        attemptSoon()
    }

    private func attemptSoon() {
        isAttemptDue = true
        schedule()
    }

    func tryToConnect() {
        guard var attempt else { return }
        do {
            if let dial {
                if let (transport, peer) = try dial(address) { return establish(over: transport, peer) }
                let step = attempt.queueWasFull(using: &generator)
                self.attempt = attempt
                return follow(step)
            }
            let descriptor = try Socket.stream(mayHoldDescriptors: endpoint.acceptsDescriptors)
            // A server may send descriptors, too; where the kernel can, it refuses them.
            if !endpoint.acceptsDescriptors { _ = try NamingSocket.refuseDescriptors(descriptor) }
            try Socket.setSendBuffer(descriptor.rawValue, configuration.connection.sendBufferByteCount)
            if try Socket.connect(descriptor.rawValue, SocketAddress(address)) { return establish(descriptor) }
            let step = attempt.queueWasFull(using: &generator)
            self.attempt = attempt
            follow(step)
        } catch {
            let step = attempt.didFail(error, using: &generator)
            self.attempt = attempt
            follow(step)
        }
    }

    private func follow(_ step: ConnectAttempt.Step) {
        switch step {
        case .retry(let delay):
            change(to: .connecting)
            retryLater(delay)
        case .waitForServer(let delay):
            change(to: .waitingForServer)
            watchForServer()
            retryLater(delay)
        case .fail(let error):
            giveUp(error)
        }
    }

    private func retryLater(_ delay: Duration) {
        retry?.cancel()
        retry = reactor.schedule(after: delay) { [weak self] in self?.tryToConnect() }
    }

    /// From the first time that no server is found. Watching begins after the look, so look again at once.
    private func watchForServer() {
        guard watch == nil, address.path != nil, attempt?.isWatching == true else { return }
        do {
            watch = try ServerWatch(reactor, address) { [weak self] in self?.tryToConnect() }
            attemptSoon()
        } catch {
            // Users have few watches (fs.inotify.max_user_instances, often 128): then it has to go by the clock.
            attempt?.isWatching = false
            attemptSoon()
        }
    }

    /// The server may have appeared, or made room, since the last look: while the loop was held up, or before the next
    /// look was due.
    private func timeIsUp() {
        tryToConnect()
        if let attempt { giveUp(attempt.timeoutError) }
    }

    private func giveUp(_ error: PipeError) {
        endAttempt()
        if let backoff, backoff.attemptCount > 0, !error.isForGood {
            failedAttemptCount += 1
            if failedAttemptCount < attemptLimit {
                tell(ofFailedAttempt: error)
                return reconnectLater()
            }
        }
        backoff?.reset()
        fail(error)
    }

    func endAttempt() {
        attempt = nil
        isAttemptDue = false
        deadline?.cancel()
        retry?.cancel()
        watch?.cancel()
        deadline = nil
        retry = nil
        watch = nil
    }

    private func establish(_ descriptor: consuming OwnedDescriptor) {
        endAttempt()
        do {
            let number = descriptor.rawValue
            let peer = try Socket.peer(number)
            guard try isRequired(peer, groups: { () throws(SystemError) in try Socket.peerGroups(number) }) else {
                return giveUp(.peerRefused(peer))
            }
            try didConnect(PipeConnection(endpoint, ByteStream(descriptor, peer)))
        } catch {
            giveUp(.system(error))
        }
    }

    private func establish(over transport: any PipeTransport, _ peer: PeerCredentials) {
        endAttempt()
        do throws(SystemError) {
            guard try isRequired(peer, groups: { () throws(SystemError) in [] }) else {
                transport.close()
                return giveUp(.peerRefused(peer))
            }
            try didConnect(PipeConnection(endpoint, ByteStream(transport, peer)))
        } catch {
            giveUp(.system(error))
        }
    }

    private func didConnect(_ connection: PipeConnection) throws(SystemError) {
        try connection.start()
        self.connection = connection
        openedAt = reactor.now
        failedAttemptCount = 0
        change(to: .connected)
        // Before anybody can send behind it.
        sendKept()
        deliverReports()
        self.connection?.didOpen()
    }

    private func isRequired(
        _ peer: PeerCredentials, groups: () throws(SystemError) -> [UInt32]
    ) throws(SystemError) -> Bool {
        try requiredPeer.admits(peer, ownUserID: CurrentProcess.userID, groups: groups)
    }

    private func sendKept() {
        guard let connection, connection.isOpen, let queue = kept.take() else { return }
        connection.adopt(queue)
    }

    private var attemptLimit: Int { configuration.reconnection?.maximumAttemptCount ?? .max }

    private func reconnectLater() {
        guard let delay = backoff?.next(using: &generator) else { return }
        change(to: .waitingToReconnect(after: delay))
        retry = reactor.schedule(after: delay) { [weak self] in self?.beginAttempt() }
    }
}

extension PipeClient: ConnectionOwner {
    func connectionWillReport(_ connection: PipeConnection, _ reason: DisconnectReason, unsent: SendQueueSlot?) {
        self.connection = nil
        if reason != .closedLocally, let unsent { keepForNext(unsent) }
    }

    func connectionDidFailSending(_ connection: PipeConnection, unsent: SendQueueSlot) { keepForNext(unsent) }

    /// What a connection could not send is first on the next one, before what was sent here since.
    private func keepForNext(_ unsent: SendQueueSlot) {
        guard configuration.unsentMessages == .keep else { return }
        kept.keep(unsentFramesOf: unsent, endpoint)
    }

    var keptByteCharge: Int { kept.chargedByteCount }

    func connectionDidEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        if isDisconnecting {
            change(to: .disconnected)
        } else if wantsToConnect {
            wantsToConnect = false
            change(to: .idle)
            connect()
        } else if var backoff, reason != .closedLocally {
            let lasted = openedAt.map { reactor.now - $0 } ?? .zero
            if lasted >= backoff.maximumDelay { backoff.reset() }
            self.backoff = backoff
            if attemptLimit > 0 { reconnectLater() } else { change(to: .idle) }
        } else {
            change(to: .idle)
        }
    }
}

extension PipeError {
    /// Whether another attempt is not to be made. A server of the wrong user has the name: to connect to it again and again
    /// would tell it of every client, and nobody of it.
    fileprivate var isForGood: Bool {
        if case .peerRefused = self { true } else { false }
    }
}
