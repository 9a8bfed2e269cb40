// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Carries out what Admission decides about a client. Whoever is turned away is closed unread.

extension PipeServer {
    func admit(_ descriptor: consuming OwnedDescriptor) {
        let number = descriptor.rawValue
        do throws(SystemError) {
            let peer = try Socket.peer(number)
            if let refusal = try refusal(of: peer, number) { return refuse(refusal, peer, closing: descriptor) }
            guard delegate?.server(self, shouldAccept: peer) == true else {
                return refuse(.delegate, peer, closing: descriptor)
            }
            guard isListening else { return refuse(.stopping, peer, closing: descriptor) }
            try Socket.setSendBuffer(number, host.sendBufferByteCount)
            open(PipeConnection(host, descriptor, peer))
        } catch {
            didRefuse(.system, peer: nil, error)
        }
    }

    private func refusal(of peer: PeerCredentials, _ descriptor: Int32) throws(SystemError) -> ConnectionRefusal? {
        try unsafe admission.refusal(
            of: peer, openCount: openCount, now: .now,
            groups: { () throws(SystemError) in try Socket.peerGroups(descriptor) })
    }

    private func refuse(
        _ refusal: ConnectionRefusal, _ peer: PeerCredentials, closing descriptor: consuming OwnedDescriptor
    ) {
        // Before the delegate hears of it, which may want a descriptor of its own.
        _ = consume descriptor
        didRefuse(refusal, peer: peer)
    }

    /// Counts one whose descriptor is closed, and tells the delegate if that is not too often.
    func didRefuse(_ refusal: ConnectionRefusal, peer: PeerCredentials?, _ error: SystemError? = nil) {
        guard let report = refusals.count(refusal, of: peer, error, at: .now) else { return }
        delegate?.server(self, didRefuse: report)
    }

    func didFailToAccept(_ error: SystemError) {
        delegate?.server(self, didFailToAcceptWith: error)
    }
}
