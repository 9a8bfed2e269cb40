// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Carries out the decisions of Admission about a client. A client that is refused is closed unread.

extension PipeServer: ListenerOwner {
    func listenerDidAccept(_ client: consuming OwnedDescriptor) {
        do throws(SystemError) {
            admit(try AcceptedConnection(client), while: isListening)
        } catch {
            tell(.system, nil, error)
        }
    }

    /// Opens a connection, or closes it unread.
    ///
    /// - Parameter isWanted: whether the delegate's answer still matters once it is there.
    func admit(_ accepted: consuming AcceptedConnection, while isWanted: @autoclosure () -> Bool) {
        let (peer, socket) = (accepted.peer, accepted.namedSocket)
        do throws(SystemError) {
            let refusal = try takePlace(for: peer) { () throws(SystemError) in
                guard let socket else { return [] }
                return try Socket.peerGroups(socket)
            }
            if let refusal { return refuse(refusal, peer, closing: accepted) }
        } catch {
            return refuse(.system, peer, error, closing: accepted)
        }
        if case .acceptor(let acceptor, _) = part { return acceptor.deal(accepted) }
        openIfWanted(accepted, while: isWanted())
    }

    /// Opens the connection of a client that has its place in the limits, or closes it unread and gives the place back.
    func openIfWanted(_ accepted: consuming AcceptedConnection, while isWanted: @autoclosure () -> Bool) {
        let (peer, unread) = (accepted.peer, accepted.unreadBytes)
        if let refusal = delegateRefusal(of: peer, while: isWanted()) {
            return refuse(refusal, peer, closing: accepted)
        }
        do throws(SystemError) {
            try accepted.setSendBuffer(endpoint.limits.sendBufferByteCount)
        } catch {
            giveBackPlace(of: peer)
            return refuse(.system, peer, error, closing: accepted)
        }
        open(PipeConnection(endpoint, accepted.makeStream()), with: unread)
    }

    /// The delegate's reason to refuse a client that has its place, which it loses then: the delegate's answer, or a
    /// delegate that stopped the server.
    private func delegateRefusal(
        of peer: PeerCredentials, while isWanted: @autoclosure () -> Bool
    ) -> ConnectionRefusal? {
        let isAccepted = delegate?.server(self, shouldAccept: peer) == true
        if isAccepted, isWanted() { return nil }
        giveBackPlace(of: peer)
        return isAccepted ? .stopping : .delegate
    }

    /// Admits a client that comes over a transport instead of a socket, or closes the transport. Called from the loop.
    package func admit(_ transport: any PipeTransport, from peer: PeerCredentials) {
        let refusal = try? takePlace(for: peer) { () throws(SystemError) in [] }
        if refusal == nil, case .acceptor(let acceptor, _) = part { return acceptor.deal(transport, from: peer) }
        guard let refusal = refusal ?? delegateRefusal(of: peer, while: isListening) else {
            return open(PipeConnection(endpoint, ByteStream(transport, peer)))
        }
        transport.close()
        tell(refusal, peer)
    }

    /// Serves a client that comes over a transport, and has its place in a pool's limits.
    func admitPlaced(_ transport: any PipeTransport, from peer: PeerCredentials) {
        guard lifecycle.isServing else {
            giveBackPlace(of: peer)
            transport.close()
            return tell(.stopping, peer)
        }
        guard let refusal = delegateRefusal(of: peer, while: lifecycle.isServing) else {
            return open(PipeConnection(endpoint, ByteStream(transport, peer)))
        }
        transport.close()
        tell(refusal, peer)
    }

    /// Admits a client that comes over a transport and that a policy of the transport's own has admitted: those about
    /// users do not concern it, because no kernel knows its user. Called from the loop.
    package func admitVouched(_ transport: any PipeTransport) {
        guard let refusal = refusalOfVouched() else {
            return openVouched(PipeConnection(endpoint, ByteStream(transport, .unknown)))
        }
        transport.close()
        tell(refusal, .unknown)
    }

    /// Opens a connection that the limits of users do not concern. It takes a place all the same, which its end gives
    /// back.
    func openVouched(_ connection: PipeConnection) {
        admission.didOpen(connection.peer)
        open(connection)
    }

    private func refusalOfVouched() -> ConnectionRefusal? {
        guard admission.hasRoom(openCount: connectionCount) else { return .connectionLimit }
        guard delegate?.server(self, shouldAccept: .unknown) == true else { return .delegate }
        return isListening ? nil : .stopping
    }

    /// Clients come through this as well, until the server stops. For a server without a name, once.
    package func listen(through entrance: any TransportEntrance) { nameState.entrance = .transport(entrance) }

    /// Counts a refused client and tells the delegate, unless that was done too often.
    func refuse(
        _ refusal: ConnectionRefusal, _ peer: PeerCredentials?, _ error: SystemError? = nil,
        closing client: consuming AcceptedConnection
    ) {
        // Closed before the delegate is told, which may need a descriptor itself.
        _ = consume client
        tell(refusal, peer, error)
    }

    private func tell(_ refusal: ConnectionRefusal, _ peer: PeerCredentials?, _ error: SystemError? = nil) {
        guard let report = refusals.count(refusal, of: peer, error, at: reactor.now) else { return }
        delegate?.server(self, didRefuse: report)
        tellPool(of: report)
    }

    func listenerDidShed(_ count: Int, _ error: SystemError) {
        let now = reactor.now
        let reports = (0..<count).compactMap { _ in refusals.count(.descriptorLimit, of: nil, error, at: now) }
        for report in reports { delegate?.server(self, didRefuse: report) }
    }

    func listenerCannotAccept(_ error: SystemError) {
        guard refusals.mayTellOfFailure(at: reactor.now) else { return }
        delegate?.server(self, didFailToAcceptWith: error)
    }

    func listenerDidFail(_ listener: Listener, _ error: SystemError, isLast: Bool) {
        if isLast {
            if nameState.remove(listener) { listener.stop() } else { endListening() }
        }
        delegate?.server(self, didFailToAcceptWith: error)
    }
}
