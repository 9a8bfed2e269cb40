// SPDX-License-Identifier: Apache-2.0

extension PeerScript {
    /// Runs the script as a client of a server over a socket, and returns when it is done. Meanwhile, the loop runs on
    /// this thread.
    ///
    /// - Parameters:
    ///   - address: the server's name. The peer waits for a server that is not there yet.
    ///   - reactor: the reactor of the peer; the server under test may use it, too. The default is nil: one of its own.
    ///   - limit: the maximum time. The default is 10 s.
    /// - Throws: ``ScriptFailure``, or `SystemError` if no reactor can be made.
    public func run(
        connectingTo address: PipeAddress, on reactor: Reactor? = nil, within limit: Duration = .seconds(10)
    ) throws {
        guard let reactor else {
            let own = try Reactor()
            defer {
                own.stop()
                own.run()
            }
            return try run(connectingTo: address, on: own, within: limit)
        }
        let peer = ScriptedPeer(self, reactor)
        let client = PipeClient(
            address: address, configuration: Self.clientConfiguration(limit), reactor: reactor, delegate: peer)
        client.connect()
        reactor.run(timeout: limit) { peer.isDone && client.connection == nil }
        if !peer.isDone { peer.fail("still waiting after \(limit)") }
        client.disconnect()
        client.connection?.abort()
        reactor.run(timeout: limit) { client.connection == nil }
        try peer.check()
    }

    /// Listens at a name and runs the script with the first client that connects. Call ``ScriptedPeer/check()`` at the
    /// end.
    ///
    /// - Parameters:
    ///   - address: the name that the client under test connects to.
    ///   - reactor: the reactor of the peer.
    /// - Throws: the `PipeError` of a server that cannot listen.
    public func serve(at address: PipeAddress, on reactor: Reactor) throws(PipeError) -> ScriptedPeer {
        let peer = ScriptedPeer(self, reactor)
        _ = try PipeServer(
            listeningOn: address, configuration: Self.serverConfiguration, reactor: reactor, delegate: peer)
        return peer
    }

    static func clientConfiguration(_ limit: Duration) -> PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        configuration.connection = ScriptedPeer.connectionConfiguration
        configuration.waitsForServer = true
        configuration.connectTimeout = limit
        return configuration
    }

    static var serverConfiguration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.connection = ScriptedPeer.connectionConfiguration
        return configuration
    }
}

extension MemoryNetwork {
    /// Runs a script as a client of a server in this network, and returns when it is done. Time passes as far as the
    /// script, or the events that it waits for, need it.
    ///
    /// - Parameters:
    ///   - script: the behaviour of the client.
    ///   - name: the server's name.
    ///   - limit: the maximum virtual time. The default is 60 s.
    /// - Throws: ``ScriptFailure``, or `PipeError.invalidAddress`.
    public func run(_ script: PeerScript, against name: String, within limit: Duration = .seconds(60)) throws {
        let peer = ScriptedPeer(script, reactor)
        let address = try PipeAddress.abstract(name)
        peer.explainMissingServer = { [weak self] in self?.missingServer(at: address) }
        let client = try makeClient(
            to: name, configuration: PeerScript.clientConfiguration(limit), delegate: peer)
        handlerErrors[address] = nil
        peer.findOtherFraming = { [weak self] in self?.framing(at: address) }
        client.connect()
        let deadline = clock.elapsed + limit
        while settle(), !(peer.isDone && client.connection == nil), clock.elapsed < deadline {
            clock.advance(by: min(reactor.timeUntilNextTimer ?? limit, deadline - clock.elapsed))
        }
        if !peer.isDone { peer.fail("still waiting after \(limit)") }
        client.disconnect()
        client.connection?.abort()
        settle()
        if let error = handlerErrors[address] { peer.explainFailure("the handler failed: \(error)") }
        try peer.check()
    }

    /// Takes a name and runs a script with the first client that connects. Call ``ScriptedPeer/check()`` at the end.
    ///
    /// - Parameters:
    ///   - script: the behaviour of the server.
    ///   - name: the name for clients of this network.
    /// - Throws: as ``makeServer(at:configuration:delegate:)``.
    public func serve(_ script: PeerScript, at name: String) throws(PipeError) -> ScriptedPeer {
        let peer = ScriptedPeer(script, reactor)
        let server = try makeServer(at: name, configuration: PeerScript.serverConfiguration, delegate: peer)
        scripts[server.address] = Weak(object: peer)
        return peer
    }
}
