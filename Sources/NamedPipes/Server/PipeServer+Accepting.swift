// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Carries out what Admission decides about a client. Whoever is turned away is closed unread.

extension PipeServer: ListenerOwner {
    func listenerDidAccept(_ client: consuming OwnedDescriptor) {
        let number = client.rawValue
        var peer: PeerCredentials?
        do throws(SystemError) {
            let found = try Socket.peer(number)
            peer = found
            if let refusal = try refusal(of: found, number) { return refuse(refusal, found, closing: client) }
            guard delegate?.server(self, shouldAccept: found) == true else {
                return refuse(.delegate, found, closing: client)
            }
            guard isListening else { return refuse(.stopping, found, closing: client) }
            try Socket.setSendBuffer(number, host.sendBufferByteCount)
            open(PipeConnection(host, client, found))
        } catch {
            refuse(.system, peer, error, closing: client)
        }
    }

    private func refusal(of peer: PeerCredentials, _ descriptor: Int32) throws(SystemError) -> ConnectionRefusal? {
        try unsafe admission.refusal(
            of: peer, openCount: openCount, now: .now,
            groups: { () throws(SystemError) in try Socket.peerGroups(descriptor) })
    }

    /// Counts a client and tells the delegate, if that is not too often.
    private func refuse(
        _ refusal: ConnectionRefusal, _ peer: PeerCredentials?, _ error: SystemError? = nil,
        closing client: consuming OwnedDescriptor
    ) {
        // Before the delegate hears of it, which may want a descriptor of its own.
        _ = consume client
        guard let report = refusals.count(refusal, of: peer, error, at: .now) else { return }
        delegate?.server(self, didRefuse: report)
    }

    func listenerDidShed(_ count: Int, _ error: SystemError) {
        let now = SuspendingClock.now
        let reports = (0..<count).compactMap { _ in refusals.count(.descriptorLimit, of: nil, error, at: now) }
        for report in reports { delegate?.server(self, didRefuse: report) }
    }

    func listenerCannotAccept(_ error: SystemError) {
        guard refusals.mayTellOfFailure(at: .now) else { return }
        delegate?.server(self, didFailToAcceptWith: error)
    }
}
