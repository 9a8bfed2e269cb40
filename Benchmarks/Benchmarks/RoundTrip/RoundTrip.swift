// SPDX-License-Identifier: Apache-2.0
import Benchmark
import NamedPipes

// The cost of a message to a server and back over a real pipe: the server on a reactor thread of its own, the client on
// the benchmark's thread. Every reply is compared with the message. The scaling factor of 1,000 is the number of round
// trips in one iteration.

private let roundTrips = 1000

private final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send(message)
    }
}

/// Keeps a number of messages in flight, each with its number in front, until all have come back in order.
private final class Caller: PipeClientDelegate {
    private var message = [UInt8](repeating: 0x5A, count: 64)
    private var sentCount: UInt32 = 0
    private(set) var receivedCount: UInt32 = 0
    private(set) var isConnected = false

    func connectionDidOpen(_ connection: PipeConnection) { isConnected = true }

    func connection(_ connection: PipeConnection, didReceive reply: Span<UInt8>) {
        precondition(reply.count == 64 && number(in: reply) == receivedCount, "a reply is not what was sent")
        receivedCount += 1
        if sentCount < roundTrips { send(on: connection) }
    }

    func begin(_ inFlight: Int, on connection: PipeConnection?) {
        sentCount = 0
        receivedCount = 0
        guard let connection else { return }
        for _ in 0..<inFlight { send(on: connection) }
    }

    private func send(on connection: PipeConnection) {
        for index in 0..<4 { message[index] = UInt8(truncatingIfNeeded: sentCount >> (8 * UInt32(index))) }
        sentCount += 1
        _ = try? connection.send(message)
    }

    private func number(in reply: Span<UInt8>) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(reply[$1]) << (8 * UInt32($1)) }
    }
}

private func measure(_ benchmark: Benchmark, inFlight: Int) throws {
    let address = try PipeAddress.unique(prefix: "benchmark")
    let server = try ReactorThread(name: "echo") { reactor in
        _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
    }
    let reactor = try Reactor()
    let caller = Caller()
    let client = PipeClient(address: address, reactor: reactor, delegate: caller)
    client.connect()
    guard reactor.run(timeout: .seconds(5), until: { caller.isConnected }) else {
        return benchmark.error("no connection")
    }
    benchmark.startMeasurement()
    caller.begin(inFlight, on: client.connection)
    let isComplete = reactor.run(timeout: .seconds(20)) { caller.receivedCount == roundTrips }
    benchmark.stopMeasurement()
    if !isComplete { benchmark.error("\(caller.receivedCount) of \(roundTrips) replies came") }
    client.disconnect()
    reactor.run(timeout: .seconds(5)) { client.state == .disconnected }
    server.stop()
    server.join()
}

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .instructions, .throughput],
        scalingFactor: .kilo, maxDuration: .seconds(2), maxIterations: 200)

    Benchmark("round trip of 64 bytes, one in flight", configuration: configuration) { try measure($0, inFlight: 1) }
    Benchmark("round trip of 64 bytes, 64 in flight", configuration: configuration) { try measure($0, inFlight: 64) }
}
