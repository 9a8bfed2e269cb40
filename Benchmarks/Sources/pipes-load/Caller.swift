// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// One connection of the load: keeps its messages in flight, and checks the order and the content of every reply.
///
/// A message is what `c-load` sends: its number, its connection's, and a pattern.
final class Caller: PipeClientDelegate {
    private let index: UInt32
    private let inFlight: UInt64
    private let measurement: Measurement
    // Unchecked: that no two accesses overlap would be asked at each send, for more than the send itself costs.
    @safe @exclusivity(unchecked) private var message: [UInt8]
    // Others that take turns with it, where the library holds a message until it has left, as it does with large ones.
    @safe @exclusivity(unchecked) private var spares: [[UInt8]] = []
    private var sentCount: UInt64 = 0
    // How many have been sent since the one that is timed.
    private var untimedCount: UInt64 = 0
    private(set) var receivedCount: UInt64 = 0
    private var timedNumber = UInt64.max
    private var timedSince: UInt64 = 0

    init(index: UInt32, options: Options, measurement: Measurement) {
        self.index = index
        self.measurement = measurement
        inFlight = options.inFlight
        message = (0..<options.size).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ ($0 >> 8) &* 13 &+ 1) }
        for byte in 0..<4 { message[8 + byte] = UInt8(truncatingIfNeeded: index >> (8 * UInt32(byte))) }
        if options.size > 4096 { spares = (1..<options.inFlight).map { _ in message.map(\.self) } }
    }

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

    /// Of the messages that a connection has in flight, one is timed: reading the clock twice for each would be a third of
    /// what a message costs in a burst. With one in flight every message is timed.
    private func sendNext(on connection: PipeConnection) {
        if !spares.isEmpty { swap(&message, &spares[Int(sentCount % UInt64(spares.count))]) }
        setNumber(sentCount)
        untimedCount += 1
        if untimedCount == inFlight || sentCount == 0 {
            untimedCount = 0
            timedNumber = sentCount
            timedSince = nanoseconds(CLOCK_MONOTONIC)
        }
        sentCount += 1
        do { _ = try connection.send(message) } catch { end(with: "connection \(index): \(error)") }
    }

    private func setNumber(_ number: UInt64) {
        unsafe message.withUnsafeMutableBytes { unsafe $0.storeBytes(of: number.littleEndian, as: UInt64.self) }
    }

    private func isExpected(_ reply: Span<UInt8>) -> Bool {
        guard reply.count == message.count else { return false }
        let number = unsafe reply.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
        return UInt64(littleEndian: number) == receivedCount && isBodyExpected(reply)
    }

    /// As `c-load` compares it: small messages wholly, of large ones the ends and a window that moves.
    private func isBodyExpected(_ reply: Span<UInt8>) -> Bool {
        let size = reply.count
        guard size > 4096 else { return isEqual(reply, message, in: 8..<size) }
        let window = 8 + Int(receivedCount &* 4096 % UInt64(size - 8))
        return isEqual(reply, message, in: 8..<64) && isEqual(reply, message, in: size - 64..<size)
            && isEqual(reply, message, in: window..<min(window + 4096, size))
    }
}
