// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Polling at both ends` {
    @Test(arguments: [Duration.microseconds(50), Loop.patience])
    func `answers a thousand requests`(time: Duration) throws { try askAThousandTimes(pollingFor: time) }
}

private final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send(message)
    }
}

private func askAThousandTimes(pollingFor time: Duration) throws {
    var configuration = Reactor.Configuration()
    configuration.busyPollingTime = time
    let address = try PipeAddress.unique(prefix: "test")
    let thread = try ReactorThread(configuration: configuration) { reactor in
        _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
    }
    let reactor = try Reactor(configuration: configuration)
    let recorder = Recorder(reactor)
    recorder.whenOpened = { _ = try? $0.send("0") }
    recorder.whenReceived = { connection, _ in
        if recorder.messageCount < 1000 { _ = try? connection.send("\(recorder.messageCount)") }
    }
    let client = PipeClient(address: address, reactor: reactor, delegate: recorder)
    client.connect()
    // Two threads that poll take the CPU from each other where the machine is busy, so each answer has its own limit.
    try #require(reactor.run(whileGrowing: { recorder.messageCount }) { recorder.messageCount == 1000 })
    #expect(recorder.texts == (0..<1000).map { "\($0)" })
    client.disconnect()
    try #require(reactor.run(timeout: Loop.patience) { client.state == .disconnected })
    reactor.stop()
    reactor.run()
    thread.stop()
    thread.join()
    #expect(recorder.violations == [])
    recorder.forgetClosures()
}
