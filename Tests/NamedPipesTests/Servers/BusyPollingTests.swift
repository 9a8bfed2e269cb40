// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `Polling at both ends` {
    /// Each of both threads waits for the other a thousand times, and sleeps for none of them.
    @Test func `answers a thousand requests without sleeping`() async {
        await #expect(processExitsWith: .success) { try askAThousandTimes() }
    }
}

private final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send(message)
    }
}

private func askAThousandTimes() throws {
    var configuration = Reactor.Configuration()
    configuration.busyPollingTime = Loop.patience
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
    let serverBefore = sleepCount(of: thread.executor)
    client.connect()
    let before = threadSleepCount()
    try #require(reactor.run(timeout: Loop.patience) { recorder.messageCount == 1000 })
    #expect(recorder.texts == (0..<1000).map { "\($0)" })
    #expect(threadSleepCount() - before < 100)
    #expect(sleepCount(of: thread.executor) - serverBefore < 100)
    client.disconnect()
    try #require(reactor.run(timeout: Loop.patience) { client.state == .disconnected })
    thread.stop()
    thread.join()
    #expect(recorder.violations == [])
}

/// How often the thread of a reactor has slept.
private func sleepCount(of executor: ReactorExecutor) -> Int {
    let count = Answer()
    executor.post { _ in count.value.store(threadSleepCount(), ordering: .sequentiallyConsistent) }
    while count.value.load(ordering: .sequentiallyConsistent) < 0 {}
    return count.value.load(ordering: .sequentiallyConsistent)
}

private final class Answer: Sendable {
    let value = Atomic(-1)
}
