// SPDX-License-Identifier: Apache-2.0
import Benchmark
import NamedPipes

// The cost of a message of 64 bytes on its way through a connection, one direction at a time: from `send` to the
// kernel, and from the kernel to the delegate, a thousand messages in one write and one read. Both ends live on this
// thread, and the other end is idle during the measurement. The scaling factor of 1,000 is the number of messages.

private let messages = 1000
private let message = [UInt8](repeating: 0x5A, count: 64)

private final class Receiver: PipeServerDelegate, PipeClientDelegate {
    private(set) var connection: PipeConnection?
    private(set) var count = 0

    func connectionDidOpen(_ connection: PipeConnection) { self.connection = connection }
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) { count += 1 }
}

private enum Direction {
    case sending, receiving
}

private func measure(_ benchmark: Benchmark, _ direction: Direction) throws {
    let reactor = try Reactor()
    let address = try PipeAddress.unique(prefix: "benchmark")
    let (atServer, atClient) = (Receiver(), Receiver())
    _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: atServer)
    PipeClient(address: address, reactor: reactor, delegate: atClient).connect()
    reactor.run(timeout: .seconds(5)) { atServer.connection != nil && atClient.connection != nil }
    guard let near = atClient.connection, let far = atServer.connection else {
        return benchmark.error("no connection")
    }
    // The first round finds no buffers in the free list.
    for isWarm in [false, true] {
        far.pauseReceiving()
        if isWarm, direction == .sending { benchmark.startMeasurement() }
        for _ in 0..<messages { try near.send(message) }
        reactor.run(timeout: .seconds(5)) { near.pendingByteCount == 0 }
        if isWarm, direction == .sending { benchmark.stopMeasurement() }
        let expected = atServer.count + messages
        if isWarm, direction == .receiving { benchmark.startMeasurement() }
        far.resumeReceiving()
        reactor.run(timeout: .seconds(5)) { atServer.count >= expected }
        if isWarm, direction == .receiving { benchmark.stopMeasurement() }
        precondition(atServer.count == expected, "\(atServer.count) messages arrived, not \(expected)")
    }
    reactor.stop()
    reactor.run()
}

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .instructions], scalingFactor: .kilo, maxDuration: .seconds(2),
        maxIterations: 2000)

    Benchmark("from send to the kernel", configuration: configuration) { try measure($0, .sending) }
    Benchmark("from the kernel to the delegate", configuration: configuration) { try measure($0, .receiving) }
}
