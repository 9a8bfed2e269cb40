// SPDX-License-Identifier: Apache-2.0
import Benchmark
import NamedPipes

// The cost of each framing per message: the scaling factor of 1,000 is the number of messages in one iteration, so
// every figure shown is that of one message.

private let messages = 1000

/// The number of messages of each size that are in the buffer, as after a read.
private struct Burst {
    let byteCount: Int
    let count: Int
    let name: String

    static let all = [
        Burst(byteCount: 64, count: 1000, name: "64 B"), Burst(byteCount: 64 << 10, count: 10, name: "64 KiB"),
    ]
}

/// As a connection holds them: the existential is opened once per read or per send.
private let framings: [(name: String, framing: any MessageFraming)] = [
    ("length", LengthPrefixFraming()), ("newline", DelimiterFraming.newline),
    ("content-length", ContentLengthFraming()), ("varint", VarintFraming()), ("raw", RawFraming()),
]

private func encode(_ burst: Burst, with framing: any MessageFraming, into frames: inout FrameBuffer) throws {
    let message = [UInt8](repeating: 0x5A, count: burst.byteCount)
    for _ in 0..<burst.count { try framing.encode(message.span, into: &frames) }
}

private func measureScan(_ benchmark: Benchmark, _ burst: Burst, with framing: any MessageFraming) throws {
    var frames = FrameBuffer()
    try encode(burst, with: framing, into: &frames)
    var byteCount = 0
    benchmark.startMeasurement()
    for _ in 0..<(messages / burst.count) {
        _ = try framing.scanFrames(in: frames.span, scannedByteCount: 0) { message in
            byteCount += message.count
            return true
        }
    }
    benchmark.stopMeasurement()
    blackHole(byteCount)
    precondition(byteCount == messages * burst.byteCount)
}

private func measureEncode(_ benchmark: Benchmark, _ burst: Burst, with framing: any MessageFraming) throws {
    let message = [UInt8](repeating: 0x5A, count: burst.byteCount)
    // Warm, as a connection's queue is in the steady state.
    var frames = FrameBuffer()
    try encode(burst, with: framing, into: &frames)
    benchmark.startMeasurement()
    for _ in 0..<(messages / burst.count) {
        frames.removeAll(keepingCapacity: true)
        for _ in 0..<burst.count { try framing.encode(message.span, into: &frames) }
    }
    benchmark.stopMeasurement()
    precondition(frames.byteCount >= burst.count * burst.byteCount)
}

let benchmarks: @Sendable () -> Void = {
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .instructions], scalingFactor: .kilo, maxDuration: .milliseconds(500), maxIterations: 5000
    )

    for (name, framing) in framings {
        for burst in Burst.all {
            // Raw has nothing to look for.
            if !(framing is RawFraming) {
                Benchmark("scan \(name), \(burst.name)", configuration: configuration) {
                    try measureScan($0, burst, with: framing)
                }
            }
            Benchmark("encode \(name), \(burst.name)", configuration: configuration) {
                try measureEncode($0, burst, with: framing)
            }
        }
    }
}
