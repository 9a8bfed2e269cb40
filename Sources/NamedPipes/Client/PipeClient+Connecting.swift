// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// One attempt after another, as ClientLifecycle decides. connect(2) on a socket file never blocks: it succeeds, fails,
// or finds the queue full.

extension PipeClient {
    func tryToConnect() {
        guard lifecycle.isTrying else { return }
        if let dial { return tryToConnect(with: dial) }
        if let command { return start(command) }
        if address.kind == .fifo { return attemptDidFail(.receiveOnly) }
        var generator = SystemRandomNumberGenerator()
        do {
            let descriptor = try Socket.stream(mayHoldDescriptors: endpoint.acceptsDescriptors)
            // A server may send descriptors as well; the client refuses them if the kernel supports that.
            if !endpoint.acceptsDescriptors { _ = try NamingSocket.refuseDescriptors(descriptor) }
            try Socket.setSendBuffer(descriptor.rawValue, configuration.connection.sendBufferByteCount)
            if try Socket.connect(descriptor.rawValue, SocketAddress(address)) { return establish(descriptor) }
            perform(lifecycle.queueWasFull(using: &generator))
        } catch {
            perform(lifecycle.connectDidFail(error, using: &generator))
        }
    }

    /// The other end belongs to a test, and may have ended the client when this returns.
    private func tryToConnect(with dial: Dial) {
        var generator = SystemRandomNumberGenerator()
        do {
            let reached = try dial(address)
            guard lifecycle.isTrying else {
                reached?.transport.close()
                return
            }
            if let (transport, peer) = reached { return establish(over: transport, peer) }
            perform(lifecycle.queueWasFull(using: &generator))
        } catch {
            guard lifecycle.isTrying else { return }
            perform(lifecycle.connectDidFail(error, using: &generator))
        }
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
        lifecycle.didConnect(connection, at: reactor.now)
        noteState()
        // Before the delegate can send anything, which has to follow.
        sendKept(on: connection)
        deliverReports()
        // The delegate may have ended the connection.
        self.connection?.didOpen()
    }

    func attemptDidFail(_ error: PipeError) {
        var generator = SystemRandomNumberGenerator()
        perform(lifecycle.attemptDidFail(error, using: &generator))
    }

    private func isRequired(
        _ peer: PeerCredentials, groups: () throws(SystemError) -> [UInt32]
    ) throws(SystemError) -> Bool {
        let required = configuration.requiredPeer ?? (address.isInRuntimeDirectory ? .ownUserOrRoot : .anyUser)
        return try required.admits(peer, ownUserID: CurrentProcess.userID, groups: groups)
    }
}
