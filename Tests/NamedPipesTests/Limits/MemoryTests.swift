// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// The real cost of attacks on memory, in a process of their own.
@Suite(.disabled(if: isSanitized, "a sanitizer keeps memory of its own")) struct `The memory of a server` {
    @Test func `31 · 20 clients that announce 1 GiB cost at most 64 KiB each`() async {
        await #expect(processExitsWith: .success) {
            try withLoop { loop in
                let framing = LengthPrefixFraming(maximumMessageByteCount: 1 << 30)
                let (server, recorder) = try loop.server(PipeServer.Configuration(framing: framing))
                try warmUp(loop, recorder)
                let (resident, virtual) = (residentByteCount(), virtualByteCount())
                var peers: [RawPeer] = []
                for _ in 0..<20 { peers.append(try RawPeer(connectingTo: loop.address)) }
                try #require(loop.run { recorder.connections.count == 20 })
                for bytes: [UInt8] in [[0x40, 0, 0, 0], [1], [1, 2, 3], pattern(5000)] {
                    for peer in peers { peer.writeAll(bytes) }
                    loop.settle()
                }
                let cost = residentByteCount() - resident
                print("31: resident +\(cost), virtual +\(virtualByteCount() - virtual)")
                #expect(cost <= 20 * 64 << 10)
                #expect(virtualByteCount() - virtual <= 20 * 128 << 10)
                #expect(server.statistics.heldByteCount <= 20 * 66 << 10)
            }
        }
    }

    @Test func `32 · 9,000 clients that announce the maximum and send a byte cost that and their connections`() async {
        await #expect(processExitsWith: .success) {
            let count = min(raisedDescriptorLimit() / 2 - 200, 9000)
            try #require(count > 400)
            try withLoop { loop in
                let (server, recorder) = try loop.server()
                try warmUp(loop, recorder)
                let resident = residentByteCount()
                var peers: [RawPeer] = []
                while peers.count < count {
                    for _ in 0..<min(500, count - peers.count) {
                        peers.append(try RawPeer(connectingTo: loop.address))
                        peers[peers.count - 1].writeAll([0x01, 0, 0, 0, 1])
                    }
                    let expected = peers.count
                    try #require(loop.run { recorder.connections.count == expected })
                }
                loop.settle()
                let cost = residentByteCount() - resident
                print(
                    "32: resident +\(cost), \(cost / count) each, held \(server.statistics.heldByteCount / count) each")
                // This includes both ends and the test's own notes of each.
                #expect(cost / count <= 4096)
                #expect(server.statistics.heldByteCount / count <= 512)
            }
        }
    }

    @Test func `38 · a client that never reads costs its cap and a tenth, all the time`() async {
        await #expect(processExitsWith: .success) {
            try withLoop { loop in
                let cap = 32 << 20
                let (_, recorder) = try loop.server()
                try warmUp(loop, recorder)
                let peer = try RawPeer(connectingTo: loop.address)
                try #require(loop.run { recorder.connections.count == 1 })
                let connection = recorder.connections[0]
                let message = pattern(3000)
                let resident = residentByteCount()
                var peak = 0
                var refused = 0
                let start = SuspendingClock.now
                let timer = loop.reactor.schedule(after: .zero, repeating: .milliseconds(2)) {
                    for _ in 0..<400 {
                        do { try connection.send(message) } catch { refused += 1 }
                    }
                    peak = max(peak, residentByteCount() - resident)
                }
                _ = loop.run { SuspendingClock.now - start > .seconds(3) }
                timer.cancel()
                print("38: resident +\(peak) at most, cap \(cap), queued \(connection.pendingByteCount)")
                #expect(refused > 0 && connection.pendingByteCount > cap - 4000 && connection.pendingByteCount <= cap)
                #expect(peak <= cap + cap / 10)
                withExtendedLifetime(peer) {}
            }
        }
    }
}

/// Memory that is taken once, at first use, is not due to an attacker.
private func warmUp(_ loop: Loop, _ recorder: Recorder) throws {
    recorder.keepsMessages = false
    let peer = try RawPeer(connectingTo: loop.address)
    try #require(loop.run { recorder.openCount == 1 })
    for _ in 0..<3 {
        peer.writeAll(frame(pattern(100_000)))
        loop.settle()
    }
    try recorder.connections[0].send(pattern(100_000))
    loop.settle()
    peer.readAll()
    peer.close()
    try #require(loop.run { recorder.connections.isEmpty })
    loop.run(for: .milliseconds(2200))
}

/// How much address space the process has, in bytes.
private func virtualByteCount() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return -1 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard unsafe fgets(&line, 256, file) != nil else { return -1 }
    let digits = line.prefix { $0 != 0 && $0 != 0x20 }.map(UInt8.init(bitPattern:))
    return (Int(String(decoding: digits, as: UTF8.self)) ?? -1) * sysconf(Int32(_SC_PAGESIZE))
}
