// SPDX-License-Identifier: Apache-2.0
import Benchmark
import EchoOptions
import NamedPipes

// One message to thousands of connections: a broadcast compared with a loop of sends. With an audience that reads, on a
// thread of its own, until the kernel has taken everything; the kernel's part is the same for both. With an audience
// that does not read, until everything is queued: then the loop copies the message for each connection, and the
// broadcast shares one copy.

private final class Speaker: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}

private final class Audience: PipeClientDelegate {
    private let reads: Bool

    init(reads: Bool) { self.reads = reads }

    func connectionDidOpen(_ connection: PipeConnection) {
        if !reads { connection.pauseReceiving() }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}

/// A server on the benchmark's thread with its audience connected.
private final class Hall {
    let reactor: Reactor
    let server: PipeServer
    private let audience: ReactorThread

    private let reads: Bool

    init(_ audienceCount: Int, reads: Bool) throws {
        self.reads = reads
        raiseDescriptorLimit()
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "broadcast")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: Speaker())
        audience = try ReactorThread(name: "audience") { reactor in
            let delegate = Audience(reads: reads)
            for _ in 0..<audienceCount { PipeClient(address: address, reactor: reactor, delegate: delegate).connect() }
        }
        let isComplete = reactor.run(timeout: .seconds(30)) { server.connectionCount == audienceCount }
        precondition(isComplete, "only \(server.connectionCount) have come")
        self.reactor = reactor
        self.server = server
    }

    func measure(_ benchmark: Benchmark, _ speak: ([PipeConnection]) -> Void) {
        let connections = server.connections
        for _ in benchmark.scaledIterations {
            speak(connections)
            guard reads else { continue }
            reactor.run(timeout: .seconds(20)) { connections.allSatisfy { $0.pendingByteCount == 0 } }
        }
    }

    func close() {
        reactor.stop()
        reactor.run()
        audience.stop()
        audience.join()
    }
}

private func inHall(
    _ benchmark: Benchmark, _ audienceCount: Int, reads: Bool, _ speak: (PipeServer, [PipeConnection]) -> Void
) throws {
    let hall = try Hall(audienceCount, reads: reads)
    if !reads {
        // Until the sockets are full.
        for _ in 0..<8 { _ = try hall.server.broadcast([UInt8](repeating: 0, count: 64 << 10)) }
    }
    benchmark.startMeasurement()
    hall.measure(benchmark) { speak(hall.server, $0) }
    benchmark.stopMeasurement()
    hall.close()
}

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .cpuTotal], warmupIterations: 0, maxDuration: .seconds(4), maxIterations: 10)

    let audiences = [
        ("64 B to 9,000", 64, 9000, true), ("1 KiB to 9,000", 1024, 9000, true),
        ("64 KiB to 9,000", 64 << 10, 9000, true), ("64 KiB to 1,000 that do not read", 64 << 10, 1000, false),
    ]
    for (name, byteCount, count, reads) in audiences {
        Benchmark("\(name), a loop of sends", configuration: configuration) { benchmark in
            let message = [UInt8](repeating: 7, count: byteCount)
            try inHall(benchmark, count, reads: reads) { _, connections in
                for connection in connections { _ = try? connection.send(message) }
            }
        }
        Benchmark("\(name), a broadcast", configuration: configuration) { benchmark in
            let message = [UInt8](repeating: 7, count: byteCount)
            try inHall(benchmark, count, reads: reads) { server, _ in _ = try? server.broadcast(message) }
        }
    }
}
