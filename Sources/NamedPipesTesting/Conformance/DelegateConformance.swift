// SPDX-License-Identifier: Apache-2.0

/// Runs a delegate through every kind of history that its contract allows, the awkward ones first, and checks that both
/// sides kept their promises: the delegate, and the library.
///
/// ```swift
/// @Test func `the room keeps to the contract`() throws {
///     let conformance = DelegateConformance(messages: ["Ada", "hello", "/nick Grace"])
///     let violations = try conformance.check(server: { _ in Room() }, prepare: { $0.server = $1 })
///     #expect(violations.isEmpty)
/// }
/// ```
///
/// ## What happens to the delegate
///
/// Each history is a new network in memory, so nothing waits in real time, and a failure is reproducible. First come
/// about three hundred small histories, all of them: no message, an empty one, one byte, your own, many in one turn,
/// large ones, and a peer that does not read; each before each kind of end (finish, close, break, half a message,
/// garbage, close and abort at this end, both kinds of stop), with and without a turn of the loop in between; then
/// another part of the program that closes, aborts, finishes, pauses or stops inside each kind of callback. After that
/// come long random histories, made from ``seeds``, with several peers and short reads and writes.
///
/// ## What is checked
///
/// - The library: the order of callbacks, one at a time, on the reactor's thread; messages whole, in order and complete
///   before the end; exactly one end of each connection; only whole messages sent to the peer.
/// - The delegate: no callback, timer or task takes longer than ``callbackTimeLimit``; a connection whose peer has
///   finished is closed within ``patience``, and not aborted while replies are queued that the peer would read; the
///   loop comes to rest; the delegate keeps neither itself nor ended connections alive; and nothing grows without
///   bound, see ``checksGrowth``.
///
/// A delegate that holds the loop is not called again in that history, and the check ends when the same history shows
/// it a second time: a busy machine holds loops as well. If a delegate never returns, the check never ends.
///
/// ## Handlers and methods
///
/// `async` handlers for `PipeServer.serve`, and methods for `JSONRPCPeer`, go through the same histories: see
/// ``check(handler:)`` and ``check(methods:calls:peer:)``.
///
/// The framing has to read what it writes: a framing whose requests and replies look different cannot be checked. With
/// `RawFraming`, which does not separate messages, only order and ends are checked.
///
/// A delegate that ends the process, by a precondition or a crash, ends the test.
public struct DelegateConformance: Sendable {
    /// Messages that mean something to the delegate, sent in addition to messages without meaning.
    public var messages: [[UInt8]]

    /// The configuration of the server. Marks and turns vary at random; the framing stays.
    public var serverConfiguration = PipeServer.Configuration()

    /// The configuration of the client; it varies in the same way.
    public var clientConfiguration = PipeClient.Configuration()

    /// The seeds of the random histories, one each. The default is 0 to 99.
    public var seeds: Range<UInt64> = 0..<100

    /// How long a callback may hold the loop, in real time. The default is 0.5 s, which a busy machine hardly reaches
    /// by itself, and not twice.
    public var callbackTimeLimit: Duration = .milliseconds(500)

    /// How long a delegate may take to close a connection whose peer has finished, in virtual time. The default is 2
    /// min.
    public var patience: Duration = .seconds(120)

    /// Whether the delegate and ended connections must be released. Turn it off if the test itself retains them. The
    /// default is true.
    public var checksLifetime = true

    /// Whether there must be a limit to what the delegate keeps. The default is true.
    ///
    /// It is examined, by reflection, after 32, 64 and 128 connections have come and gone, and while 32, 64 and 128
    /// times as many replies are sent to one peer that reads nothing: the elements of arrays, dictionaries and sets
    /// that can be reached through stored properties, and the timers of the reactor, may not increase by one for each
    /// repetition. Collections with a limit below 32 pass, and so does anything that only a closure or a task holds.
    /// Turn it off for a delegate that has to keep what it receives, such as a database.
    public var checksGrowth = true

    /// The number of violations after which to stop: the first is the most useful one. The default is 5.
    public var violationLimit = 5

    /// The number of workers, to check the delegate of a server as that of each worker of a `PipeServerPool`: each has
    /// a delegate of its own, and the promises hold for each. All of them are on one thread, in virtual time, so the
    /// check finds no data race; ThreadSanitizer does. The default is nil: a plain server. It has no effect for
    /// clients, handlers and methods.
    public var workers: ReactorCount?

    /// Makes the checker of replies for one peer, if messages have replies.
    var makeReplies: @Sendable () -> (any ConformanceReplies)? = { nil }

    /// The defaults, with messages given as texts.
    ///
    /// - Parameter messages: messages that mean something to the delegate; the default is none.
    public init(messages: [String] = []) { self.messages = messages.map { Array($0.utf8) } }

    /// Checks the delegate of a server.
    ///
    /// - Parameters:
    ///   - makeDelegate: makes a new delegate for each history, on the given reactor; with ``workers``, one for each.
    ///   - prepare: called with each delegate and its server, before a client connects. The default does nothing.
    /// - Returns: the violations; empty if there are none.
    /// - Throws: the errors of `makeDelegate`, and `SystemError` if no reactor can be made.
    public func check<Delegate: PipeServerDelegate>(
        server makeDelegate: (Reactor) throws -> Delegate, prepare: (Delegate, PipeServer) -> Void = { _, _ in }
    ) throws -> [ContractViolation] {
        guard let workers else { return try check(server: makeDelegate, over: Self.memory, prepare: prepare) }
        return try run(histories(forClient: false), watchCount: workers.value) { history, network, watches in
            let delegates = try watches.all.map { try $0.watchDelegate(makeDelegate(network.reactor)) }
            var made = zip(delegates, watches.all).makeIterator()
            return .pool(
                try network.makePool(
                    at: ConformanceRun.name, workers: workers, configuration: history.vary(serverConfiguration)
                ) { server in
                    guard let (delegate, watch) = made.next() else { preconditionFailure("one for each worker") }
                    prepare(delegate, server)
                    return watch
                })
        }
    }

    /// Checks the delegate of a server whose peers are elsewhere than in memory.
    ///
    /// - Parameter makeNetwork: makes the network of one history; of the faults, it heeds what it can.
    package func check<Delegate: PipeServerDelegate, Network: ConformanceNetwork>(
        server makeDelegate: (Reactor) throws -> Delegate,
        over makeNetwork: (_ faults: TransportFaults, _ seed: UInt64) throws -> Network,
        prepare: (Delegate, PipeServer) -> Void = { _, _ in }
    ) throws -> [ContractViolation] {
        try run(histories(forClient: false), over: { try makeNetwork($0.faults, $0.seed) }) {
            history, network, watches in
            let delegate = try watches.first.watchDelegate(makeDelegate(network.reactor))
            let server = try network.makeServer(
                at: ConformanceRun.name, configuration: history.vary(serverConfiguration), delegate: watches.first)
            prepare(delegate, server)
            return .server(server)
        }
    }

    private static func memory(_ faults: TransportFaults, _ seed: UInt64) throws -> MemoryNetwork {
        try MemoryNetwork(measuringWithSeed: seed, faults: faults)
    }

    /// Checks the delegate of a client.
    ///
    /// - Parameters:
    ///   - makeDelegate: makes a new delegate for each history, on the given reactor.
    ///   - prepare: called with each delegate and its client, before the client connects. The default does nothing.
    /// - Returns: the violations; empty if there are none.
    /// - Throws: the errors of `makeDelegate`, and `SystemError` if no reactor can be made.
    public func check<Delegate: PipeClientDelegate>(
        client makeDelegate: (Reactor) throws -> Delegate, prepare: (Delegate, PipeClient) -> Void = { _, _ in }
    ) throws -> [ContractViolation] {
        try run(histories(forClient: true)) { history, network, watches in
            let delegate = try watches.first.watchDelegate(makeDelegate(network.reactor))
            let client = try network.makeClient(
                to: ConformanceRun.name, configuration: history.vary(clientConfiguration), delegate: watches.first)
            prepare(delegate, client)
            return .client(client)
        }
    }

    func run(
        _ histories: some Sequence<ConformanceHistory>, watchCount: Int = 1,
        _ makeSubject: (ConformanceHistory, MemoryNetwork, ContractWatches) throws -> ConformanceRun.Subject
    ) throws -> [ContractViolation] {
        try run(histories, watchCount: watchCount, over: { try Self.memory($0.faults, $0.seed) }, makeSubject)
    }

    private func run<Network: ConformanceNetwork>(
        _ histories: some Sequence<ConformanceHistory>, watchCount: Int = 1,
        over makeNetwork: (ConformanceHistory) throws -> Network,
        _ makeSubject: (ConformanceHistory, Network, ContractWatches) throws -> ConformanceRun.Subject
    ) throws -> [ContractViolation] {
        var found: [ContractViolation] = []
        for history in histories {
            var violations = try ConformanceRun.violations(of: history, self, watchCount, makeNetwork, makeSubject)
            // A busy machine holds a loop as well, but hardly twice at the same place.
            if Self.isHeldLoop(violations) {
                violations = try ConformanceRun.violations(of: history, self, watchCount, makeNetwork, makeSubject)
            }
            for violation in violations where !found.contains(where: { $0.problem == violation.problem }) {
                found.append(violation)
            }
            // The other histories would each take as long.
            if Self.isHeldLoop(violations) || found.count >= violationLimit {
                return Array(found.prefix(violationLimit))
            }
        }
        return found
    }

    private static func isHeldLoop(_ violations: [ContractViolation]) -> Bool {
        violations.contains { $0.problem.hasPrefix(ContractWatch.holding) }
    }
}
