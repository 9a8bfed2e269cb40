// SPDX-License-Identifier: Apache-2.0

/// Runs a delegate through every kind of history that its contract allows, the awkward ones first, and checks that both
/// sides kept their promises: the delegate its own, and the library what it promises to delegates.
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
/// Each history is a network in memory, made anew: nothing is waited for, and what fails once fails again. First about
/// three hundred small ones, all of them: no message, an empty one, one byte, your own, many in one turn, large ones, a
/// peer that does not read, each before each kind of end (finish, close, break, half a message, garbage, close and
/// abort at this end, both kinds of stop), with and without a turn of the loop in between; then another part of the
/// program that closes, aborts, finishes, pauses or stops inside each kind of callback. After that, long ones at
/// random, from ``seeds``, with several peers and short reads and writes.
///
/// ## What is checked
///
/// - The library: the order of callbacks, one at a time, on the reactor's thread; messages whole, in order and complete
///   before the end; each connection's one end; what the peer reads is whole messages.
/// - The delegate: no callback, timer or task takes longer than ``callbackTimeLimit``; a connection whose peer has
///   finished is closed within ``patience``, and not aborted while replies are queued that the peer would read; the
///   loop comes to rest; the delegate keeps neither itself nor connections alive that have ended; and nothing grows
///   without bound, see ``checksGrowth``.
///
/// A delegate that holds the loop is not called again in that history, and the check ends when the same history shows
/// it a second time: a busy machine holds loops as well. A delegate that never returns never lets it end.
///
/// ## Handlers and methods
///
/// `async` handlers for `PipeServer.serve`, and methods for `JSONRPCPeer`, go through the same histories: see
/// ``check(handler:)`` and ``check(methods:calls:peer:)``.
///
/// The framing has to read what it writes: one whose requests and replies look different cannot be checked. With
/// `RawFraming`, which keeps no messages apart, only order and ends are.
///
/// A delegate that ends the process, by a precondition or a crash, ends the test.
public struct DelegateConformance: Sendable {
    /// Messages that mean something to the delegate, which come beside those that mean nothing.
    public var messages: [[UInt8]]

    /// How the server is configured. Marks and turns vary at random; the framing stays.
    public var serverConfiguration = PipeServer.Configuration()

    /// How the client is configured, likewise.
    public var clientConfiguration = PipeClient.Configuration()

    /// The histories at random, one for each seed. The default is 0 to 99.
    public var seeds: Range<UInt64> = 0..<100

    /// How long a callback may hold the loop, in real time. The default is 0.5 s, which a crowded machine hardly
    /// reaches by itself, and not twice.
    public var callbackTimeLimit: Duration = .milliseconds(500)

    /// How long a delegate may take to close where its peer has finished, in virtual time. The default is 2 min.
    public var patience: Duration = .seconds(120)

    /// Whether the delegate and connections that have ended must be released. Turn it off where the test itself holds
    /// them. The default is true.
    public var checksLifetime = true

    /// Whether what the delegate keeps must have a limit. The default is true.
    ///
    /// It is looked at, by reflection, after 32, 64 and 128 connections have come and gone, and while one peer that
    /// reads nothing is sent 32, 64 and 128 times what it asks for: the elements of arrays, dictionaries and sets that
    /// can be reached through stored properties, and the timers of the reactor, may not become more each time by one
    /// for each. What has a limit below 32 passes, and so does what only a closure or a task holds. Turn it off for a
    /// delegate that is to keep what it is sent, such as a database.
    public var checksGrowth = true

    /// With how many violations to stop: the first is the one to look at. The default is 5.
    public var violationLimit = 5

    /// Looks at replies, where messages have such. One for each peer.
    var makeReplies: @Sendable () -> (any ConformanceReplies)? = { nil }

    /// The defaults, with messages as texts.
    ///
    /// - Parameter messages: what means something to the delegate; the default is nothing.
    public init(messages: [String] = []) { self.messages = messages.map { Array($0.utf8) } }

    /// Checks the delegate of a server.
    ///
    /// - Parameters:
    ///   - makeDelegate: makes a new one for each history, on whose reactor it will live.
    ///   - prepare: called with each and its server, before anybody connects. The default does nothing.
    /// - Returns: what was not as promised; nothing if all was.
    /// - Throws: what `makeDelegate` throws, and `SystemError` if there is no reactor to be had.
    public func check<Delegate: PipeServerDelegate>(
        server makeDelegate: (Reactor) throws -> Delegate, prepare: (Delegate, PipeServer) -> Void = { _, _ in }
    ) throws -> [ContractViolation] {
        try run(histories(forClient: false)) { history, network, watch in
            let delegate = try makeDelegate(network.reactor)
            watch.target = delegate
            watch.keeper = delegate
            let server = try network.makeServer(
                at: ConformanceRun.name, configuration: history.vary(serverConfiguration), delegate: watch)
            prepare(delegate, server)
            return .server(server)
        }
    }

    /// Checks the delegate of a client.
    ///
    /// - Parameters:
    ///   - makeDelegate: makes a new one for each history, on whose reactor it will live.
    ///   - prepare: called with each and its client, before that connects. The default does nothing.
    /// - Returns: what was not as promised; nothing if all was.
    /// - Throws: what `makeDelegate` throws, and `SystemError` if there is no reactor to be had.
    public func check<Delegate: PipeClientDelegate>(
        client makeDelegate: (Reactor) throws -> Delegate, prepare: (Delegate, PipeClient) -> Void = { _, _ in }
    ) throws -> [ContractViolation] {
        try run(histories(forClient: true)) { history, network, watch in
            let delegate = try makeDelegate(network.reactor)
            watch.target = delegate
            watch.keeper = delegate
            let client = try network.makeClient(
                to: ConformanceRun.name, configuration: history.vary(clientConfiguration), delegate: watch)
            prepare(delegate, client)
            return .client(client)
        }
    }

    func run(
        _ histories: some Sequence<ConformanceHistory>,
        _ makeSubject: (ConformanceHistory, MemoryNetwork, ContractWatch) throws -> ConformanceRun.Subject
    ) throws -> [ContractViolation] {
        var found: [ContractViolation] = []
        for history in histories {
            var violations = try ConformanceRun.violations(of: history, self, makeSubject)
            // A machine that is busy with other things holds a loop as well, but hardly twice at the same place.
            if Self.isHeldLoop(violations) {
                violations = try ConformanceRun.violations(of: history, self, makeSubject)
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
