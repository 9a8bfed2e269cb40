// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension PipeClient {
    /// Stores the likely causes with a connection that ends, if the server closed it before anything came back.
    func noteUnanswered(_ connection: PipeConnection, _ reason: DisconnectReason) {
        guard let unanswered = unansweredClose(of: connection, reason) else { return }
        connection.rare.unansweredClose = unanswered
    }

    /// The likely causes, if the present connection ends for this reason now. All connections of a client count
    /// together, so the counts at its beginning are subtracted.
    func unansweredClose(of connection: PipeConnection, _ reason: DisconnectReason) -> UnansweredClose? {
        guard command == nil, case .connected(_, let since) = lifecycle.phase else { return nil }
        let counts = endpoint.traffic
        var facts = UnansweredClose.Facts(reason: reason, duration: reactor.now - since)
        facts.receivedByteCount = counts.receivedByteCount - countsAtConnect.receivedByteCount
        facts.sentByteCount = counts.sentByteCount - countsAtConnect.sentByteCount
        facts.takenMessageCount = counts.takenMessageCount - countsAtConnect.takenMessageCount
        facts.unsentMessageCount = connection.unsentMessageCount + (connection.hasPartlySentMessage ? 1 : 0)
        return UnansweredClose(facts)
    }
}
