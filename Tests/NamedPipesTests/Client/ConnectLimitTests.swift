// SPDX-License-Identifier: Apache-2.0
internal import Glibc
import PipeReactor
import PipeTestSupport
import Testing

@testable import NamedPipes

/// HOSTILE 78: the limit passes while the process is stopped or its loop is held, and the server has appeared.
@Suite struct `78 · the limit for connecting` {
    @Test func `looks once more for a server when it has passed`() throws {
        let reactor = try Reactor(Reactor.Configuration(), in: VirtualTime())
        let limit = Duration.milliseconds(200)
        let start = reactor.now
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = true
        configuration.connectTimeout = limit
        let recorder = Recorder(reactor)
        let client = PipeClient(
            address: try .abstract("nobody"), configuration: configuration, reactor: reactor, delegate: recorder)
        var looks: [Duration] = []
        // The server appears between the last look before the limit and the limit, and its queue is full: the error
        // tells whether the client saw it.
        client.dial = { [unowned reactor] _ throws(SystemError) in
            looks.append(reactor.now - start)
            if reactor.now - start < limit { throw SystemError(call: "connect", code: ECONNREFUSED) }
            return .queueFull
        }
        client.connect()
        reactor.advance(by: limit)
        #expect(looks.count > 1 && looks.last == limit)
        #expect(recorder.failures == [.backlogFull(client.address)])
        #expect(client.state == .idle)
    }
}
