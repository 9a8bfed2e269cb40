// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeReactor
import PipeTestSupport
import Testing

@testable import NamedPipes

// HOSTILE 75, first half. The test replaces the kernel's answer about the listener's user, so no other user is needed.

@Suite struct `75 · a client that connects again` {
    private static let required: UInt32 = 1000

    private func configuration(attempts: Int? = nil) -> PipeClient.Configuration {
        var reconnection = PipeClient.Reconnection()
        reconnection.initialDelay = .milliseconds(1)
        reconnection.maximumDelay = .milliseconds(4)
        reconnection.maximumAttemptCount = attempts
        var configuration = PipeClient.Configuration()
        configuration.reconnection = reconnection
        configuration.requiredPeer = .users([Self.required])
        configuration.unsentMessages = .keep
        return configuration
    }

    /// What each connect finds, the last one repeatedly: a server of a user that ends the connection at once, or an
    /// errno.
    private enum Found {
        case server(UInt32)
        case failure(Int32)
    }

    private struct Stage {
        let client: PipeClient
        let recorder: Recorder
        let connects: Box<Int>
        /// How many bytes each user's server was sent.
        let sentTo: Box<[UInt32: Int]>
    }

    private func stage(_ loop: Loop, _ configuration: PipeClient.Configuration, _ found: [Found]) -> Stage {
        let recorder = loop.recorder()
        let client = PipeClient(
            address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: recorder)
        let stage = Stage(client: client, recorder: recorder, connects: Box(0), sentTo: Box([:]))
        let (connects, sentTo, reactor) = (stage.connects, stage.sentTo, loop.reactor)
        client.dial = { _ throws(SystemError) in
            connects.value += 1
            switch found[min(connects.value, found.count) - 1] {
            case .failure(let code): throw SystemError(call: "connect", code: code)
            case .server(let user):
                let transport = LostTransport(reactor) { sentTo.value[user, default: 0] += $0 }
                return .connected(transport, PeerCredentials(userID: user, groupID: user, processID: 1))
            }
        }
        client.connect()
        return stage
    }

    @Test func `gives up at a server of the wrong user, reports it, and sends it nothing`() throws {
        try withLoop { loop in
            let stage = stage(loop, configuration(), [.server(Self.required), .server(2000)])
            stage.recorder.whenClosed = { _, _ in _ = try? stage.client.send("kept") }
            try #require(loop.run { !stage.recorder.failures.isEmpty })
            let impostor = PeerCredentials(userID: 2000, groupID: 2000, processID: 1)
            #expect(stage.recorder.failures == [.peerRefused(impostor)])
            #expect(stage.recorder.states.last == .idle && stage.client.state == .idle)
            loop.run(for: .milliseconds(50))
            #expect(stage.connects.value == 2, "not tried again")
            #expect(stage.sentTo.value[2000] == nil && stage.client.keptMessageCount == 1)
            #expect(stage.recorder.failedAttempts == [])
            // If it is told to try once more, it still does not trust the server.
            stage.client.connect()
            try #require(loop.run { stage.recorder.failures.count == 2 })
            #expect(stage.recorder.failures.last == .peerRefused(impostor))
        }
    }

    @Test func `reports every attempt that failed, and why`() throws {
        try withLoop { loop in
            let found: [Found] = [
                .server(Self.required), .failure(ECONNREFUSED), .failure(EACCES), .failure(ENFILE), .failure(ENOENT),
                .server(Self.required), .failure(EACCES), .server(2000),
            ]
            let stage = stage(loop, configuration(), found)
            try #require(loop.run { !stage.recorder.failures.isEmpty })
            #expect(
                stage.recorder.failedAttempts == [
                    .noServer(loop.address), .accessDenied(loop.address),
                    .system(SystemError(call: "connect", code: ENFILE)), .noServer(loop.address),
                    .accessDenied(loop.address),
                ])
            #expect(stage.connects.value == found.count && stage.recorder.openCount == 2)
            // Before the following delay, so that the owner can act on the error.
            let told = stage.recorder.log.filter { $0 == .didFailToReconnect || $0 == .didChangeState }
            #expect(
                told.prefix(8) == [
                    .didChangeState, .didChangeState, .didChangeState, .didChangeState, .didFailToReconnect,
                    .didChangeState, .didChangeState, .didFailToReconnect,
                ])
        }
    }

    @Test func `reports the last error of a limited number of attempts as the failure`() throws {
        try withLoop { loop in
            let stage = stage(loop, configuration(attempts: 3), [.server(Self.required), .failure(EACCES)])
            try #require(loop.run { !stage.recorder.failures.isEmpty })
            #expect(stage.recorder.failedAttempts == [.accessDenied(loop.address), .accessDenied(loop.address)])
            #expect(stage.recorder.failures == [.accessDenied(loop.address)])
        }
    }

    @Test func `may be disconnected in the report of a failed attempt`() throws {
        try withLoop { loop in
            let stage = stage(loop, configuration(), [.server(Self.required), .failure(EACCES)])
            stage.recorder.whenAttemptFailed = { client, _ in client.disconnect() }
            try #require(loop.run { stage.recorder.states.last == .disconnected })
            #expect(stage.recorder.failedAttempts.count == 1 && stage.connects.value == 2)
        }
    }
}

/// A connection that its peer ends at once.
private final class LostTransport: PipeTransport, TurnWork {
    private let reactor: Reactor
    private let whenSent: (Int) -> Void
    private weak var handler: (any ByteStreamHandler)?

    init(_ reactor: Reactor, _ whenSent: @escaping (Int) -> Void) {
        self.reactor = reactor
        self.whenSent = whenSent
    }

    func attach(to handler: any ByteStreamHandler) {
        self.handler = handler
        reactor.runAtEndOfTurn(self)
    }

    func runInTurn() { handler?.handle([.readable, .peerFinished]) }
    func receive(atMost count: Int) -> ReadOutcome<ArraySlice<UInt8>> { .end }
    func finishSending() {}
    func close() { handler = nil }
    var hangUp: PeerHangUp? { .clean }
    func interestDidChange() {}

    func send(_ bytes: Span<UInt8>) -> Int? {
        whenSent(bytes.count)
        return bytes.count
    }
}
