// SPDX-License-Identifier: Apache-2.0
#if NATS
// A round trip to the broker that does not block: a message to ourselves. The broker handles what a connection sends in
// order, so it has read everything before when this comes back.

extension NATSLink {
    /// Calls a function once, when the broker has read everything that the link has sent up to now: clients find a
    /// server that was made before. NATS calls this a flush (`natsConnection_Flush`, which blocks).
    ///
    /// ```swift
    /// let server = PipeServer(listeningOn: try link.name("echo"), admitting: .everyone, delegate: echo)
    /// link.whenReadByBroker { print("ready") }
    /// ```
    ///
    /// It waits for a connection if there is none, and for the next one if the connection is lost. The broker has to
    /// permit the link to publish to its own inbox (``Configuration/inboxPrefix``).
    ///
    /// - Parameter body: called from the loop, and never inside this call. Released uncalled if the link is closed.
    public func whenReadByBroker(_ body: @escaping () -> Void) {
        guard state != .closed else { return }
        let token = SessionToken.random()
        readMarks[token] = body
        if line != nil { publishMark(token) }
    }

    func publishMark(_ token: SessionToken) { publish([], to: inbox(of: token)) }
}
#endif
