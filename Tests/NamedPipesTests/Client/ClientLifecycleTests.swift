// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A client's lifecycle` {
    private let address: PipeAddress
    private var random = Seeded(5)
    private let start = SuspendingClock.now

    init() throws { address = try .path("/tmp/nowhere") }

    private typealias Lifecycle = ClientLifecycle<String>

    private func lifecycle(waits: Bool = false, attempts: Int? = nil, reconnects: Bool = true) -> Lifecycle {
        var reconnection = PipeClient.Reconnection()
        reconnection.initialDelay = .milliseconds(10)
        reconnection.maximumDelay = .milliseconds(80)
        reconnection.jitter = 0
        reconnection.maximumAttemptCount = attempts
        return Lifecycle(address, waitsForServer: waits, reconnects ? reconnection : nil)
    }

    private func connected(attempts: Int? = nil, reconnects: Bool = true) -> Lifecycle {
        var lifecycle = lifecycle(attempts: attempts, reconnects: reconnects)
        _ = lifecycle.connect()
        lifecycle.didConnect("first", at: start)
        return lifecycle
    }

    /// The connection is lost, or closed, after it has lasted for this time.
    private mutating func end(
        _ lifecycle: inout Lifecycle, isLost: Bool = true, after lifetime: Duration = .zero
    ) -> Lifecycle.Action {
        lifecycle.connectionWillReport()
        return lifecycle.connectionDidEnd(isLost: isLost, at: start + lifetime, using: &random)
    }

    private mutating func fail(_ lifecycle: inout Lifecycle, _ code: Int32) -> Lifecycle.Action {
        lifecycle.connectDidFail(SystemError(call: "connect", code: code), using: &random)
    }

    // MARK: Connecting

    @Test mutating func `tries once it is told to, and again after each full queue`() {
        var lifecycle = lifecycle()
        #expect(lifecycle.state == .idle && !lifecycle.isTrying && lifecycle.connection == nil)
        expect(lifecycle.connect(), "begin")
        expect(lifecycle.connect(), "nothing")
        #expect(lifecycle.state == .connecting && lifecycle.isAttemptDue)
        expect(lifecycle.queueWasFull(using: &random), "retry")
        #expect(lifecycle.state == .connecting && !lifecycle.isAttemptDue && lifecycle.isTrying)
        expect(lifecycle.queueWasFull(using: &random), "retry")
        lifecycle.didConnect("first", at: start)
        #expect(lifecycle.state == .connected && lifecycle.connection == "first" && !lifecycle.isTrying)
        expect(lifecycle.connect(), "nothing")
    }

    @Test mutating func `waits for a server, and looks again as soon as it watches`() {
        var lifecycle = lifecycle(waits: true)
        _ = lifecycle.connect()
        expect(fail(&lifecycle, ENOENT), "waitForServer")
        #expect(lifecycle.state == .waitingForServer && lifecycle.canWatch && !lifecycle.isAttemptDue)
        expect(lifecycle.didBeginToWatch(true), "attempt")
        #expect(lifecycle.state == .waitingForServer && lifecycle.canWatch && lifecycle.isAttemptDue)
        expect(fail(&lifecycle, ECONNREFUSED), "waitForServer")
        expect(lifecycle.queueWasFull(using: &random), "retry")
        #expect(lifecycle.state == .connecting)
    }

    @Test mutating func `does not ask for a watch again where there can be none`() {
        var lifecycle = lifecycle(waits: true)
        _ = lifecycle.connect()
        _ = fail(&lifecycle, ENOENT)
        expect(lifecycle.didBeginToWatch(false), "attempt")
        expect(fail(&lifecycle, ENOENT), "waitForServer")
        #expect(!lifecycle.canWatch)
    }

    @Test mutating func `gives up a first connection at once, and can be told to try again`() {
        var lifecycle = lifecycle()
        for _ in 0..<3 {
            expect(lifecycle.connect(), "begin")
            expect(fail(&lifecycle, ENOENT), "giveUp noServer")
            #expect(lifecycle.state == .idle && !lifecycle.isTrying)
        }
    }

    @Test mutating func `reports after its time what the last look found`() {
        var lifecycle = lifecycle()
        _ = lifecycle.connect()
        _ = lifecycle.queueWasFull(using: &random)
        expect(lifecycle.timeDidPass(using: &random), "giveUp backlogFull")
        expect(lifecycle.timeDidPass(using: &random), "nothing")
        _ = lifecycle.connect()
        lifecycle.didConnect("at the last look", at: start)
        expect(lifecycle.timeDidPass(using: &random), "nothing")
        #expect(lifecycle.connection == "at the last look")
    }

    // MARK: Connecting again

    @Test mutating func `returns to a lost connection, less and less often`() {
        var lifecycle = connected()
        expect(end(&lifecycle), "reconnect after 10")
        #expect(lifecycle.state == .waitingToReconnect(after: .milliseconds(10)) && !lifecycle.isTrying)
        expect(lifecycle.connect(), "nothing")
        for delay in [20, 40, 80, 80] {
            expect(lifecycle.delayDidPass(), "begin")
            #expect(lifecycle.state == .connecting)
            expect(fail(&lifecycle, ENOENT), "reconnect after \(delay), noServer")
        }
        _ = lifecycle.delayDidPass()
        lifecycle.didConnect("second", at: start)
        // A connection that did not last counts as none.
        expect(end(&lifecycle, after: .milliseconds(79)), "reconnect after 80")
        _ = lifecycle.delayDidPass()
        lifecycle.didConnect("third", at: start)
        expect(end(&lifecycle, after: .milliseconds(80)), "reconnect after 10")
    }

    @Test mutating func `gives up after as many failures in a row as are allowed`() {
        var lifecycle = connected(attempts: 2)
        for _ in 0..<3 {
            _ = end(&lifecycle)
            _ = lifecycle.delayDidPass()
            expect(fail(&lifecycle, ENOENT), "reconnect after \(lifecycle.delay), noServer")
            _ = lifecycle.delayDidPass()
            lifecycle.didConnect("next", at: start)
        }
        _ = end(&lifecycle)
        _ = lifecycle.delayDidPass()
        _ = fail(&lifecycle, ENOENT)
        _ = lifecycle.delayDidPass()
        expect(fail(&lifecycle, EACCES), "giveUp accessDenied")
        #expect(lifecycle.state == .idle)
        expect(lifecycle.connect(), "begin")
        expect(fail(&lifecycle, ENOENT), "giveUp noServer")
    }

    @Test mutating func `never returns to a server of the wrong user`() {
        var lifecycle = connected()
        _ = end(&lifecycle)
        _ = lifecycle.delayDidPass()
        let peer = PeerCredentials(userID: 4711, groupID: 4711, processID: 1)
        expect(lifecycle.attemptDidFail(.peerRefused(peer), using: &random), "giveUp peerRefused")
        #expect(lifecycle.state == .idle)
    }

    @Test mutating func `does not return where that is not wanted`() {
        var closed = connected()
        expect(end(&closed, isLost: false), "rest")
        #expect(closed.state == .idle)
        var planless = connected(reconnects: false)
        expect(end(&planless), "rest")
        var unallowed = connected(attempts: 0)
        expect(end(&unallowed), "rest")
        #expect(planless.state == .idle && unallowed.state == .idle)
    }

    // MARK: While the delegate is told of the end

    @Test mutating func `reports an end without a connection, and can connect after it`() {
        var lifecycle = connected()
        lifecycle.connectionWillReport()
        #expect(lifecycle.connection == nil && lifecycle.state == .connected && lifecycle.mayKeepMessages)
        expect(lifecycle.connect(), "nothing")
        expect(lifecycle.connect(), "nothing")
        expect(lifecycle.connectionDidEnd(isLost: true, at: start, using: &random), "restAndConnect")
        #expect(lifecycle.state == .idle)
        expect(lifecycle.connect(), "begin")
    }

    @Test mutating func `may be disconnected there, and does not return`() {
        var lifecycle = connected()
        lifecycle.connectionWillReport()
        expect(lifecycle.connect(), "nothing")
        expect(lifecycle.disconnect(), "rest")
        #expect(lifecycle.state == .disconnected && !lifecycle.mayKeepMessages)
        expect(lifecycle.connect(), "nothing")
        expect(lifecycle.connectionDidEnd(isLost: true, at: start, using: &random), "nothing")
        #expect(lifecycle.state == .disconnected)
    }

    // MARK: Disconnecting

    @Test mutating func `closes its connection before it has ended`() {
        var lifecycle = connected()
        expect(lifecycle.disconnect(), "close first")
        expect(lifecycle.disconnect(), "nothing")
        expect(lifecycle.connect(), "nothing")
        #expect(lifecycle.state == .connected && lifecycle.connection == "first" && !lifecycle.mayKeepMessages)
        lifecycle.connectionWillReport()
        #expect(lifecycle.connection == nil && lifecycle.state == .connected && !lifecycle.mayKeepMessages)
        expect(lifecycle.connect(), "nothing")
        expect(lifecycle.connectionDidEnd(isLost: true, at: start, using: &random), "rest")
        #expect(lifecycle.state == .disconnected)
    }

    @Test mutating func `ends from every state without a connection`() {
        var states: [Lifecycle] = [lifecycle(), lifecycle(), lifecycle(waits: true), connected()]
        for place in 1...2 { _ = states[place].connect() }
        _ = fail(&states[2], ENOENT)
        _ = end(&states[3])
        for var lifecycle in states {
            #expect(lifecycle.mayKeepMessages)
            expect(lifecycle.disconnect(), "rest")
            expect(lifecycle.disconnect(), "nothing")
            expect(lifecycle.connect(), "nothing")
            #expect(lifecycle.state == .disconnected && !lifecycle.isTrying && !lifecycle.mayKeepMessages)
        }
    }

    /// `send` reads the phase for each message.
    @Test func `keeps the part that each message reads small`() {
        let byteCount = MemoryLayout<ClientLifecycle<PipeConnection>.Phase>.size
        #expect(byteCount * 4 < MemoryLayout<ConnectAttempt>.size)
    }
}

private func expect(
    _ action: ClientLifecycle<String>.Action, _ expected: String, at location: SourceLocation = #_sourceLocation
) {
    #expect(action.text == expected, sourceLocation: location)
}

extension ClientLifecycle<String> {
    /// The delay of its wait, in milliseconds.
    fileprivate var delay: Int {
        if case .waitingToReconnect(let delay) = phase { delay.wholeMilliseconds } else { -1 }
    }
}

extension ClientLifecycle.Action where Connection == String {
    /// Without the random delays.
    fileprivate var text: String {
        switch self {
        case .nothing: "nothing"
        case .begin: "begin"
        case .attempt: "attempt"
        case .retry: "retry"
        case .waitForServer: "waitForServer"
        case .reconnect(let delay, nil): "reconnect after \(delay.wholeMilliseconds)"
        case .reconnect(let delay, let failure?): "reconnect after \(delay.wholeMilliseconds), \(failure.name)"
        case .giveUp(let error): "giveUp \(error.name)"
        case .close(let connection): "close \(connection)"
        case .rest: "rest"
        case .restAndConnect: "restAndConnect"
        }
    }
}

extension PipeError {
    fileprivate var name: String {
        switch self {
        case .noServer: "noServer"
        case .backlogFull: "backlogFull"
        case .accessDenied: "accessDenied"
        case .peerRefused: "peerRefused"
        default: "\(self)"
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int { Int(self / .milliseconds(1)) }
}

@Suite struct `A client's reports` {
    @Test func `contain a state once, in the order of events`() {
        var reports = ClientReports()
        reports.note(.idle)
        #expect(reports.isEmpty)
        reports.note(.connecting)
        reports.note(.connecting)
        reports.append(.failedAttempt(.timedOut))
        reports.note(.idle)
        let texts = reports.takeAll().map { "\($0)" }
        #expect(texts.count == 3 && texts[1].contains("failedAttempt"))
        #expect(reports.isEmpty && reports.takeAll().isEmpty)
        reports.note(.idle)
        #expect(reports.isEmpty)
    }
}
