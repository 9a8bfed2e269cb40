// SPDX-License-Identifier: Apache-2.0
#if NATS
import Glibc
import NamedPipesTesting
import PipeTestSupport

@testable import NamedPipes
@testable import NamedPipesNATS

/// A server behind a broker and its peers, for the conformance kit: in virtual time, as the kit wants it, but for the
/// broker, which takes real time.
final class BrokerNetwork: ConformanceNetwork {
    let reactor: Reactor
    private let links: (server: NATSLink, client: NATSLink)
    private var ends: [BrokerEnd] = []

    /// How many round trips in a row nothing may happen at the peers' ends before everything is at rest. One message
    /// takes two at most: the broker may pass it on behind the first answer. Back and forth are two messages.
    private static let quietRoundTripCount = 5

    /// - Parameter window: how many bytes of a session may be on the way.
    init(_ url: String, window: Int) throws {
        var measuring = Reactor.Configuration()
        measuring.measuresCallbacks = true
        reactor = try Reactor(measuring, in: VirtualTime())
        var configuration = NATSLink.Configuration()
        // Time passes between the round trips, where nothing can arrive.
        configuration.sessionTimeout = .seconds(1_000_000)
        configuration.sessionWindow = window
        links = (
            try NATSLink(servers: [url], configuration: configuration, reactor: reactor),
            try NATSLink(servers: [url], configuration: configuration, reactor: reactor)
        )
        guard makeRoundTrip() else { throw SystemError(call: "connect", code: ETIMEDOUT) }
    }

    func makeServer(
        at name: String, configuration: PipeServer.Configuration, delegate: any PipeServerDelegate
    ) throws -> PipeServer {
        let server = PipeServer(
            listeningOn: try links.server.name(name), admitting: .everyone, configuration: configuration,
            delegate: delegate)
        guard makeRoundTrip() else { throw SystemError(call: "listen", code: ETIMEDOUT) }
        return server
    }

    func makeEnd(to address: PipeAddress) throws -> any ConformanceEnd {
        let opener = Opener(address)
        let dial = SessionDial(links.client, opener, try links.client.name("subject"))
        guard case .pending = dial.begin(), wait({ opener.outcome != nil }) else {
            throw SystemError(call: "connect", code: ETIMEDOUT)
        }
        guard case .connected(let stream, _) = opener.outcome, let session = stream as? NATSSession else {
            throw SystemError(call: "connect", code: ECONNREFUSED)
        }
        let end = BrokerEnd(session)
        ends.append(end)
        return end
    }

    func rest(after duration: Duration) -> Bool {
        guard settle() else { return false }
        // In steps that grow: what a timer sends arrives before a much later one fires.
        var rest = duration
        var step = Duration.milliseconds(10)
        while rest > .zero {
            guard reactor.advance(by: min(step, rest)), settle() else { return false }
            rest -= step
            step *= 4
        }
        return true
    }

    /// Runs until nothing has happened for a few round trips.
    private func settle() -> Bool {
        var quietCount = 0
        for _ in 0..<10_000 where quietCount < Self.quietRoundTripCount {
            let before = ends.reduce(0) { $0 + $1.eventCount }
            guard reactor.advance(by: .zero), makeRoundTrip() else { return false }
            quietCount = ends.reduce(0) { $0 + $1.eventCount } == before ? quietCount + 1 : 0
        }
        return quietCount == Self.quietRoundTripCount
    }

    private func makeRoundTrip() -> Bool {
        var count = 0
        for link in [links.server, links.client] { link.whenReadByBroker { count += 1 } }
        return wait { count == 2 }
    }

    private func wait(_ condition: () -> Bool) -> Bool { reactor.run(timeout: Loop.patience, until: condition) }

    func end() {
        ends = []
        reactor.stop()
        reactor.run()
    }
}

/// What a client is to an opening.
private final class Opener: SessionOpener {
    let address: PipeAddress
    let waitsForServer = false
    private(set) var outcome: DialOutcome?

    init(_ address: PipeAddress) { self.address = address }

    func dial(_ dial: any PendingDial, didEndWith outcome: DialOutcome) { self.outcome = outcome }

    func dial(_ dial: any PendingDial, didFailWith error: SystemError) { outcome = .queueFull }
}

/// A peer's end of a session.
private final class BrokerEnd: ConformanceEnd {
    private let session: NATSSession
    var whenChanged: () -> Void = {}
    /// How often something has arrived, or could be sent again.
    private(set) var eventCount = 0
    private var seenByteCount = 0
    private var wantsRoom = false

    init(_ session: NATSSession) {
        self.session = session
        session.attach(to: self)
    }

    var isClosed: Bool { session.isClosed }
    var isPeerGone: Bool { session.isPeerGone }

    var recognizer: ((PipeConnection) -> Bool)? {
        let inbox = Array(session.peerInbox.dropLast())
        let token = SessionToken(endOf: inbox.span).map { "\($0)" }
        return { $0.natsPeer?.session == token }
    }

    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        let count = try session.send(bytes)
        wantsRoom = count.map { $0 < bytes.count } ?? true
        if wantsRoom { session.interestDidChange() }
        return count
    }

    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>> {
        let outcome = try session.receive(atMost: count)
        seenByteCount = session.unreadByteCount
        return outcome
    }

    func finishSending() { session.finishSending() }

    func close() {
        whenChanged = {}
        session.close()
    }
}

extension BrokerEnd: ByteStreamHandler {
    /// Once for each arrival, because the peer may not read.
    var awaitsInput: Bool { session.unreadByteCount != seenByteCount }
    var awaitsOutput: Bool { wantsRoom }
    var awaitsHangUp: Bool { true }

    func handle(_ readiness: Readiness) {
        eventCount += 1
        seenByteCount = session.unreadByteCount
        wantsRoom = false
        whenChanged()
    }
}
#endif
