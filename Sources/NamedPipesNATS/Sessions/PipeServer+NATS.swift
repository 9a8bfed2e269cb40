// SPDX-License-Identifier: Apache-2.0
#if NATS
public import NamedPipes

extension PipeServer {
    /// Serves a name at a broker, together with all other servers at this name, in this process or any other: each new
    /// client comes to one of them.
    ///
    /// The delegate, the framing, the limits and the deadlines are those of a server at a local name. The settings for
    /// the name and for users (permissions, backlog, taking over, `accessPolicy`, limits per user) do not apply.
    /// `stop(gracePeriod:)` leaves the group first, so that other members take the new clients.
    ///
    /// It waits until the link is connected, and listens again whenever it is connected again.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - policy: which clients it admits. The default is none.
    ///   - configuration: the default is a 4-byte length framing.
    ///   - delegate: receives all callbacks; retained until the server has stopped.
    public convenience init(
        listeningOn name: NATSName, admitting policy: NATSAccessPolicy = .nobody,
        configuration: Configuration = Configuration(), delegate: any PipeServerDelegate
    ) {
        self.init(
            adoptingFor: name.shownAddress, configuration: configuration, reactor: name.link.reactor,
            delegate: delegate)
        let listener = SessionListener(name.link, self, name, policy)
        listen(through: listener)
        name.link.add(listener)
    }
}

extension NATSLink {
    /// Lets a listener take part, now if the link is connected.
    func add(_ listener: any LinkListener) {
        listeners[ObjectIdentifier(listener)] = listener
        guard let line else { return }
        do {
            try listener.subscribe(on: line)
            schedule()
        } catch {
            report(.refused(error))
        }
    }
}
#endif
