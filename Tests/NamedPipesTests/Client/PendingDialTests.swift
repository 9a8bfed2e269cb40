// SPDX-License-Identifier: Apache-2.0
internal import Glibc
import PipeReactor
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A connect that waits for its answer` {
    /// A client in virtual time, and the connects that it has begun.
    private final class Bench {
        let reactor: Reactor
        let recorder: Recorder
        let client: PipeClient
        var dials: [Dial] = []

        init(waits: Bool = false) throws {
            reactor = try Reactor(in: VirtualTime())
            recorder = Recorder(reactor)
            var configuration = PipeClient.Configuration()
            configuration.waitsForServer = waits
            configuration.connectTimeout = .seconds(5)
            client = PipeClient(
                address: .shown("broker:echo"), configuration: configuration, reactor: reactor, delegate: recorder)
            client.dial = { [unowned self] _ in
                dials.append(Dial())
                return .pending(dials[dials.count - 1])
            }
            client.connect()
            reactor.advance(by: .zero)
        }

        func end() {
            reactor.stop()
            reactor.run()
        }
    }

    private final class Dial: PendingDial {
        var isCancelled = false

        func cancel() { isCancelled = true }
    }

    @Test func `opens the connection when it is answered`() throws {
        let bench = try Bench()
        #expect(bench.client.state == .connecting && bench.dials.count == 1)
        let transport = Transport()
        bench.client.dial(bench.dials[0], didEndWith: .connected(transport, .unknown))
        bench.reactor.advance(by: .zero)
        #expect(bench.client.state == .connected && bench.recorder.openCount == 1)
        // Its time is over, and nothing waits any more.
        bench.reactor.advance(by: .seconds(60))
        #expect(bench.recorder.failures == [] && !bench.dials[0].isCancelled)
        bench.end()
        #expect(transport.isClosed && bench.recorder.violations == [])
    }

    @Test func `ends when its time is up, and a late answer is closed`() throws {
        let bench = try Bench()
        bench.reactor.advance(by: .seconds(6))
        #expect(bench.recorder.failures == [.timedOut] && bench.client.state == .idle)
        #expect(bench.dials.count == 1 && bench.dials[0].isCancelled)
        let transport = Transport()
        bench.client.dial(bench.dials[0], didEndWith: .connected(transport, .unknown))
        #expect(transport.isClosed && bench.recorder.openCount == 0)
        bench.end()
    }

    @Test func `ends with the client`() throws {
        let bench = try Bench()
        bench.client.disconnect()
        #expect(bench.dials[0].isCancelled)
        bench.client.dial(bench.dials[0], didFailWith: SystemError(call: "connect", code: ECONNREFUSED))
        bench.reactor.advance(by: .zero)
        #expect(bench.recorder.failures == [] && bench.client.state == .disconnected)
        bench.end()
    }

    @Test func `fails as connect does, and is repeated by a client that waits`() throws {
        let refused = SystemError(call: "connect", code: ECONNREFUSED)
        let impatient = try Bench()
        impatient.client.dial(impatient.dials[0], didFailWith: refused)
        impatient.reactor.advance(by: .zero)
        #expect(impatient.recorder.failures == [.noServer(impatient.client.address)])
        impatient.end()

        let patient = try Bench(waits: true)
        patient.client.dial(patient.dials[0], didFailWith: refused)
        patient.reactor.advance(by: .zero)
        #expect(patient.client.state == .waitingForServer)
        patient.reactor.advance(by: .seconds(1))
        #expect(patient.dials.count == 2 && patient.recorder.failures == [])
        // An answer to the first one is none to the second.
        patient.client.dial(patient.dials[0], didEndWith: .failed(.linkFailed("late")))
        #expect(patient.recorder.failures == [])
        patient.client.dial(patient.dials[1], didEndWith: .failed(.linkFailed("no broker")))
        patient.reactor.advance(by: .zero)
        #expect(patient.recorder.failures == [.linkFailed("no broker")])
        patient.end()
    }

    /// A transport to nowhere.
    private final class Transport: PipeTransport {
        var isClosed = false

        func attach(to handler: any ByteStreamHandler) {}
        func receive(atMost count: Int) -> ReadOutcome<ArraySlice<UInt8>> { .wouldBlock }
        func send(_ bytes: Span<UInt8>) -> Int? { bytes.count }
        func finishSending() {}
        func close() { isClosed = true }
        var hangUp: PeerHangUp? { nil }
        func interestDidChange() {}
    }
}
