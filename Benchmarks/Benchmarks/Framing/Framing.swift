// SPDX-License-Identifier: Apache-2.0
import Benchmark
import NamedPipes

// What the default framing costs per message of 64 bytes: the scaling factor of 1,000 is the number of messages in one
// iteration, so every figure that is shown is that of one message.

private let messages = 1000
private let message = [UInt8](repeating: 0x5A, count: 64)

/// As a connection holds it: the existential is entered once per read or per send.
private let framing: any MessageFraming = LengthPrefixFraming()

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .instructions, .throughput],
        scalingFactor: .kilo, maxDuration: .seconds(1), maxIterations: 10_000)

    Benchmark("scan 64-byte messages", configuration: configuration) { benchmark in
        var frames = FrameBuffer()
        for _ in 0..<messages { try framing.encode(message.span, into: &frames) }
        var byteCount = 0
        benchmark.startMeasurement()
        let walk = try framing.scanFrames(in: frames.span, scannedByteCount: 0) { message in
            byteCount += message.count
            return true
        }
        benchmark.stopMeasurement()
        blackHole(byteCount)
        precondition(byteCount == messages * 64 && walk.consumedByteCount == messages * 68)
    }

    Benchmark("encode 64-byte messages", configuration: configuration) { benchmark in
        // Warm, as a connection's queue is in the steady state.
        var frames = FrameBuffer()
        for _ in 0..<messages { try framing.encode(message.span, into: &frames) }
        frames.removeAll(keepingCapacity: true)
        benchmark.startMeasurement()
        for _ in 0..<messages { try framing.encode(message.span, into: &frames) }
        benchmark.stopMeasurement()
        precondition(frames.byteCount == messages * 68)
    }
}
