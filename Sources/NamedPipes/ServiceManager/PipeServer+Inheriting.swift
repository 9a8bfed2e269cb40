// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

// Several listeners of one server: limits, groups, budgets and statistics are the server's, whichever of them a client
// came to.

extension PipeServer {
    /// Serves all sockets that the service manager has made for a unit, as one server.
    ///
    /// ```swift
    /// // ListenStream= may stand in a unit several times.
    /// let listeners = try InheritedListener.all()
    /// let server = try PipeServer(inheriting: listeners, reactor: reactor, delegate: delegate)
    /// ```
    ///
    /// Limits, groups and statistics are common to all of them. A delegate cannot tell which one a client came to: give
    /// listeners that are to be treated differently a server each.
    ///
    /// - Parameters:
    ///   - listeners: the sockets, at least one; each makes one server. ``address`` is that of the first. If this
    ///     throws, they can be used again.
    ///   - configuration: the default is a 4-byte length framing. The settings for the name are ignored; see
    ///     ``init(inheriting:configuration:reactor:delegate:)-(InheritedListener,_,_,_)``.
    ///   - reactor: the loop that serves them.
    ///   - delegate: receives all callbacks; retained until the server has stopped.
    /// - Throws: ``PipeError/system(_:)``, or ``PipeError/inheritedListener(_:)`` for a listener that has its server
    ///   already.
    public convenience init(
        inheriting listeners: [InheritedListener], configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeServerDelegate
    ) throws(PipeError) {
        guard let first = listeners.first else { preconditionFailure("a server needs a listener") }
        self.init(first.address, configuration, reactor, delegate, .closed)
        do throws(PipeError) {
            nameState.entrance = .socket(try listener(first))
            for other in listeners.dropFirst() { nameState.add(try listener(other)) }
        } catch {
            for made in nameState.listeners { made.giveBack() }
            nameState.entrance = .closed
            throw error
        }
        register()
    }

    /// Serves one more socket that the service manager has made, with the limits and the delegate of this server. When
    /// the server stops, it stops at this socket, too.
    ///
    /// - Parameter inherited: the socket. If this throws, it can be used again.
    /// - Throws: ``PipeError/system(_:)``, ``PipeError/inheritedListener(_:)`` for a listener that has its server
    ///   already, or ``PipeError/notListening`` if this server does not listen at a socket (any more).
    public func listen(alsoInheriting inherited: InheritedListener) throws(PipeError) {
        endpoint.assertOwner()
        guard nameState.listener != nil else { throw .notListening }
        nameState.add(try listener(inherited))
    }

    private func listener(_ inherited: InheritedListener) throws(PipeError) -> Listener {
        try listen(at: PublishedName(inherited, passesRights: configuration.nameClaim.passesRights))
    }

    /// The names at which clients find this server: ``address``, and those of further inherited listeners. Empty once it
    /// does not listen any more, and for a server without a socket.
    public var listenerAddresses: [PipeAddress] {
        endpoint.assertOwner()
        return nameState.listeners.map(\.address)
    }

    /// How many clients were accepted at each of the names of ``listenerAddresses``, including those that were then
    /// refused.
    public var acceptedCountsByListener: [PipeAddress: Int] {
        endpoint.assertOwner()
        return nameState.listeners.reduce(into: [:]) { $0[$1.address, default: 0] += $1.acceptedCount }
    }
}
