// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

extension PipeProgram {
    /// Runs a reactor's loop until a signal comes, `stop()` is called on the reactor, or the announced server has
    /// stopped. When this returns, everything on the reactor has ended: names are given up, connections are closed.
    ///
    /// A program that serves several names, or whose server depends on something that has to end after it, says so:
    ///
    /// ```swift
    /// try program.run(
    ///     reactor, announcing: near, alsoStopping: [far],
    ///     whenStopped: {
    ///         link.close()
    ///         reactor.run { link.isClosed }
    ///     })
    /// ```
    ///
    /// - Parameters:
    ///   - reactor: the reactor of this thread.
    ///   - server: a server on the reactor, which is announced as by `announce`. A signal stops it gracefully.
    ///     The default is nil: a signal stops the reactor at once, and all that is on it.
    ///   - others: servers on the same reactor that stop gracefully with the announced one, whatever the reason; all at
    ///     the same time. The default is none.
    ///   - gracePeriod: how long that may take: see `PipeServer.stop(gracePeriod:)`. The default is 2 s.
    ///   - whenStopped: called once, on this thread, when all these servers have stopped, and before everything else on
    ///     the reactor ends. It may run the loop. It is not called if `stop()` was called on the reactor, because there
    ///     is no loop any more, nor without an announced server. The default does nothing.
    /// - Throws: as `announce`.
    public func run(
        _ reactor: Reactor, announcing server: PipeServer? = nil, alsoStopping others: [PipeServer] = [],
        gracePeriod: Duration = .seconds(2), whenStopped: () -> Void = {}
    ) throws(SystemError) {
        defer {
            reactor.stop()
            reactor.run()
        }
        let executor = reactor.executor
        let references = server.map { ([$0] + others).map(\.reference) }
        let key = stopRequest.add {
            Self.notifyManager(.stopping)
            guard let references else { return executor.stop() }
            for reference in references { reference.perform { $0.stop(gracePeriod: gracePeriod) } }
        }
        defer { stopRequest.remove(key) }
        guard let server else { return reactor.run() }
        try announce(server)
        reactor.run { server.isStopped }
        // It may have stopped for a reason of its own, such as the loss of its name.
        for other in others { other.stop(gracePeriod: gracePeriod) }
        if reactor.run(until: { others.allSatisfy(\.isStopped) }), !reactor.isStopped { whenStopped() }
    }

    /// Tells that clients can connect: prints `listening on ADDRESS`, which a parent process may wait for, and notifies
    /// the service manager (``/NamedPipes/ServiceNotifier``).
    ///
    /// Raises the soft limit of open descriptors to the hard one, because each connection needs one (getrlimit(2),
    /// `RLIMIT_NOFILE`).
    ///
    /// - Throws: the error if standard output cannot be written.
    public func announce(_ server: PipeServer) throws(SystemError) { try announce(server.address) }

    /// The same for a pool.
    public func announce(_ pool: PipeServerPool) throws(SystemError) { try announce(pool.address) }

    func announce(_ address: PipeAddress) throws(SystemError) {
        raiseDescriptorLimit()
        try Self.write("listening on \(address)")
        Self.notifyManager(.ready, .status("listening on \(address)"))
    }

    /// A manager that does not hear is no reason to stop.
    static func notifyManager(_ states: ServiceNotifier.State...) { try? ServiceNotifier.current?.notify(states) }
}
