// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// One connection of the load: keeps its messages in flight, and checks the order and the content of every reply.
///
/// The messages are those of `c-load`: their number, their connection's, and a pattern.
@safe
final class Caller: PipeClientDelegate {
    private let index: UInt32
    private let inFlight: UInt64
    private let measurement: Measurement
    // Memory that is never moved or shared: an array would be checked at each send for other owners.
    private let message: UnsafeMutableRawBufferPointer
    // Sent in place of large messages. They take turns, because the library holds an array until it has left.
    @safe @exclusivity(unchecked) private var arrays: [[UInt8]] = []
    private var sentCount: UInt64 = 0
    // How many have been sent since the timed one.
    private var untimedCount: UInt64 = 0
    private(set) var receivedCount: UInt64 = 0
    private var timedNumber = UInt64.max
    private var timedSince: UInt64 = 0

    init(index: UInt32, options: Options, measurement: Measurement) {
        self.index = index
        self.measurement = measurement
        inFlight = options.inFlight
        var bytes = (0..<options.size).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ ($0 >> 8) &* 13 &+ 1) }
        for byte in 0..<4 { bytes[8 + byte] = UInt8(truncatingIfNeeded: index >> (8 * UInt32(byte))) }
        unsafe message = .allocate(byteCount: options.size, alignment: 16)
        unsafe message.copyBytes(from: bytes)
        if options.size > 4096 { arrays = (0..<options.inFlight).map { _ in bytes.map(\.self) } }
    }

    deinit { unsafe message.deallocate() }

    func connectionDidOpen(_ connection: PipeConnection) {
        for _ in 0..<inFlight { sendNext(on: connection) }
    }

    func connection(_ connection: PipeConnection, didReceive reply: Span<UInt8>) {
        guard isExpected(reply) else { end(with: "connection \(index), reply \(receivedCount): not what was sent") }
        if receivedCount == timedNumber { measurement.record(since: timedSince) }
        receivedCount += 1
        measurement.replyCount += 1
        sendNext(on: connection)
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        end(with: "connection \(index): \(reason)")
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        end(with: "connection \(index): \(error)")
    }

    /// Of the messages that a connection has in flight, one is timed: reading the clock twice for each would be a third
    /// of the cost of a message in a burst. With one in flight, every message is timed.
    private func sendNext(on connection: PipeConnection) {
        untimedCount += 1
        if untimedCount == inFlight || sentCount == 0 {
            untimedCount = 0
            timedNumber = sentCount
            timedSince = nanoseconds(CLOCK_MONOTONIC)
        }
        do { try send(sentCount.littleEndian, on: connection) } catch { end(with: "connection \(index): \(error)") }
        sentCount += 1
    }

    @inline(__always)
    private func send(_ number: UInt64, on connection: PipeConnection) throws(PipeError) {
        if arrays.isEmpty {
            unsafe message.storeBytes(of: number, as: UInt64.self)
            try unsafe connection.send(Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(message)))
        } else {
            let index = Int(sentCount % UInt64(arrays.count))
            unsafe arrays[index].withUnsafeMutableBytes { unsafe $0.storeBytes(of: number, as: UInt64.self) }
            try connection.send(arrays[index])
        }
    }

    private func isExpected(_ reply: Span<UInt8>) -> Bool {
        guard reply.count == (unsafe message.count) else { return false }
        let number = unsafe reply.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
        return UInt64(littleEndian: number) == receivedCount && isBodyExpected(reply)
    }

    /// As `c-load` compares it: small messages as a whole, large ones at the ends and in a window that moves.
    private func isBodyExpected(_ reply: Span<UInt8>) -> Bool {
        let size = reply.count
        guard size > 4096 else { return isEqual(reply, 8..<size) }
        let window = 8 + Int(receivedCount &* 4096 % UInt64(size - 8))
        return isEqual(reply, 8..<64) && isEqual(reply, size - 64..<size)
            && isEqual(reply, window..<min(window + 4096, size))
    }

    /// Whether a reply of the same length has the message's bytes there.
    private func isEqual(_ reply: Span<UInt8>, _ range: Range<Int>) -> Bool {
        unsafe reply.withUnsafeBytes { reply in
            guard let start = reply.baseAddress, let sent = unsafe message.baseAddress else { return true }
            return unsafe memcmp(start + range.lowerBound, sent + range.lowerBound, range.count) == 0
        }
    }
}
