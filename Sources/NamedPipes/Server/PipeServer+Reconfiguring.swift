// SPDX-License-Identifier: Apache-2.0

extension PipeServer {
    /// Changes the policy, the limits and the deadlines while the server runs.
    ///
    /// ```swift
    /// var configuration = server.configuration
    /// configuration.accessPolicy = .any(of: [.ownUserOrRoot, .groups([44])])
    /// configuration.maximumConnectionCount = 500
    /// try server.reconfigure(configuration)
    /// ```
    ///
    /// No connection is ended by the change itself:
    ///
    /// - The policy, the numbers of connections and the connect rate decide about clients that are accepted from now
    ///   on. The open connections stay, and count: while there are more of them than a new maximum, no client is
    ///   admitted. After a change of the rate, each user may connect in a burst again.
    /// - The budgets hold for all connections. One that is smaller than what is in use at present is refused. A
    ///   connection that is receiving a message larger than its new share (``Configuration/byteBudgetPerConnection``)
    ///   ends with ``DisconnectReason/budgetExceeded(_:)`` when it needs more. Connections that wait for room look for
    ///   it again.
    /// - The deadlines of ``Configuration/connection`` hold for all connections. If one of the four that a timer checks
    ///   changes, all of them count from the change: no client is late all at once. The time that
    ///   ``PipeConnection/Configuration/closeTimeout`` gives applies to closes that begin to wait from now on, but not
    ///   to a connection with a configuration of its own (``PipeConnection/upgrade(to:)``).
    /// - ``Configuration/handOverGrace`` applies to the next hand-over.
    ///
    /// All other settings are fixed when the server is made. The framing is compared with `==` if its type is
    /// `Equatable`; otherwise, another value of the same type counts as the same, and the server keeps its own.
    ///
    /// The server of a pool passes the configuration to ``PipeServerPool/reconfigure(_:)``. May be called in any
    /// callback, and has no effect on a server that has stopped.
    ///
    /// - Parameter configuration: the whole configuration. With ``Configuration/maximumConnectionCount`` nil, the
    ///   process's limit of descriptors is looked up again.
    /// - Throws: ``PipeError/cannotChange(_:)`` if another setting differs; ``PipeError/budgetExceeded(_:)`` if more is
    ///   held and queued than a new budget allows, so that the same call may succeed later;
    ///   ``PipeError/policyNeedsIdentity(_:)`` for a FIFO. If it throws, nothing has changed.
    public func reconfigure(_ configuration: Configuration) throws(PipeError) {
        endpoint.assertOwner()
        if part != nil {
            try pool?.reconfigure(configuration)
            return
        }
        try configuration.check(changedFrom: self.configuration)
        if nameState.door != nil, !configuration.accessPolicy.admitsUnknownPeers {
            throw .policyNeedsIdentity(address)
        }
        let budgets = configuration.budgets
        if let exceeded = endpoint.ledger.excess(over: budgets) { throw .budgetExceeded(exceeded) }
        admission.follow(configuration, descriptorLimit: CurrentProcess.descriptorLimit)
        follow(configuration)
    }

    /// Takes over a configuration that was checked, except for the decisions about clients.
    func follow(_ configuration: Configuration) {
        change(configuration)
        endpoint.follow(configuration.connection, byteShare: configuration.effectiveByteBudgetPerConnection)
        endpoint.ledger.follow(configuration.budgets)
        endpoint.feedStarved()
    }
}
