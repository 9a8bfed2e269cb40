// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// One attempt after another, as ClientLifecycle decides. connect(2) on a socket file never blocks: it succeeds, fails,
// or finds the queue full.

extension PipeClient {
    func tryToConnect() {
        guard lifecycle.isTrying, triggers.dial == nil else { return }
        if let dial { return tryToConnect(with: dial) }
        if let command { return start(command) }
        if address.kind == .fifo { return attemptDidFail(.receiveOnly) }
        var generator = SystemRandom()
        do {
            let descriptor = try Socket.stream(mayHoldDescriptors: endpoint.letsDescriptorsThrough)
            // A server may send descriptors as well; the client refuses them if the kernel supports that.
            if !endpoint.letsDescriptorsThrough { _ = try NamingSocket.refuseDescriptors(descriptor) }
            try Socket.setSendBuffer(descriptor.rawValue, configuration.connection.sendBufferByteCount)
            if try Socket.connect(descriptor.rawValue, SocketAddress(address)) { return establish(descriptor) }
            perform(lifecycle.queueWasFull(using: &generator))
        } catch {
            perform(lifecycle.connectDidFail(error, using: &generator))
        }
    }

    /// The other end may belong to a test, and may have ended the client when this returns.
    private func tryToConnect(with dial: Dial) {
        do {
            follow(try dial(address))
        } catch {
            dialDidFail(error)
        }
    }

    private func follow(_ outcome: DialOutcome) {
        guard lifecycle.isTrying else { return outcome.abandon() }
        var generator = SystemRandom()
        switch outcome {
        case .connected(let transport, let peer): establish(over: transport, peer)
        case .queueFull: perform(lifecycle.queueWasFull(using: &generator))
        case .pending(let dial):
            triggers.dial = dial
            lifecycle.dialIsPending()
        case .failed(let error): attemptDidFail(error)
        }
    }

    private func dialDidFail(_ error: SystemError) {
        guard lifecycle.isTrying else { return }
        var generator = SystemRandom()
        perform(lifecycle.connectDidFail(error, using: &generator))
    }

    private func establish(_ descriptor: consuming OwnedDescriptor) {
        triggers.cancelAll()
        do {
            let number = descriptor.rawValue
            let peer = try Socket.peer(number)
            guard try isRequired(peer, groups: { () throws(SystemError) in try Socket.peerGroups(number) }) else {
                return attemptDidFail(.peerRefused(peer))
            }
            try didConnect(PipeConnection(endpoint, ByteStream(descriptor, peer)))
        } catch {
            attemptDidFail(.system(error))
        }
    }

    private func establish(over transport: any PipeTransport, _ peer: PeerCredentials) {
        triggers.cancelAll()
        do throws(SystemError) {
            guard try isRequired(peer, groups: { () throws(SystemError) in [] }) else {
                transport.close()
                return attemptDidFail(.peerRefused(peer))
            }
            try didConnect(PipeConnection(endpoint, ByteStream(transport, peer)))
        } catch {
            attemptDidFail(.system(error))
        }
    }

    func didConnect(_ connection: PipeConnection) throws(SystemError) {
        try connection.start()
        countsAtConnect = endpoint.traffic
        lifecycle.didConnect(connection, at: reactor.now)
        noteState()
        // Before the delegate can send anything, which has to follow.
        sendKept(on: connection)
        deliverReports()
        // The delegate may have ended the connection.
        self.connection?.didOpen()
    }

    func attemptDidFail(_ error: PipeError) {
        var generator = SystemRandom()
        perform(lifecycle.attemptDidFail(error, using: &generator))
    }

    private func isRequired(
        _ peer: PeerCredentials, groups: () throws(SystemError) -> [UInt32]
    ) throws(SystemError) -> Bool {
        let required = configuration.requiredPeer ?? (address.isInRuntimeDirectory ? .ownUserOrRoot : .anyUser)
        return try required.admits(peer, ownUserID: CurrentProcess.userID, groups: groups)
    }
}

// MARK: - The answer to a connect that was pending

extension PipeClient {
    /// The outcome is there. An answer that comes after the client has stopped to wait for it is abandoned.
    ///
    /// - Parameter outcome: not `pending`.
    package func dial(_ dial: any PendingDial, didEndWith outcome: DialOutcome) {
        guard takes(dial) else { return outcome.abandon() }
        follow(outcome)
    }

    /// The connect has failed as connect(2) does.
    package func dial(_ dial: any PendingDial, didFailWith error: SystemError) {
        if takes(dial) { dialDidFail(error) }
    }

    /// Whether to wait for a server that does not exist yet.
    package var waitsForServer: Bool { configuration.waitsForServer }

    private func takes(_ dial: any PendingDial) -> Bool {
        guard triggers.dial === dial else { return false }
        triggers.dial = nil
        return true
    }
}

extension DialOutcome {
    /// No client wants it any more.
    fileprivate func abandon() {
        switch self {
        case .connected(let transport, _): transport.close()
        case .pending(let dial): dial.cancel()
        case .queueFull, .failed: break
        }
    }
}
