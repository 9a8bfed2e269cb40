// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Makes the bytes of a recording from the events of a capture: a pcapng file of one section, whose one interface is
/// the pipe. Messages that were lost are counted with the next message (`epb_dropcount`) and at the end (`isb_ifdrop`).
struct RecordingEncoder {
    private var output = PcapngOutput()
    /// Lost since the last message.
    private var pendingLostCount = 0
    private let start: UInt64
    private(set) var totals = Totals()

    struct Totals: Hashable {
        var messageCount = 0
        /// Of the messages as they were, even if the recording has only their first bytes.
        var byteCount = 0
        var lostCount = 0
    }

    /// - Parameters:
    ///   - address: the server's.
    ///   - nanoseconds: when the capture begins, since 1970.
    init(of address: String, at nanoseconds: Int64) {
        start = UInt64(clamping: nanoseconds)
        output.appendBlock(Pcapng.Kind.sectionHeader) { block in
            block.append(Pcapng.byteOrderMagic)
            block.append(UInt16(1))
            block.append(UInt16(0))
            block.append(Int64(-1))  // of unknown length
            block.appendOption(Pcapng.Option.applicationName, "pipectl \(Version.current)")
            block.appendEndOfOptions()
        }
        output.appendBlock(Pcapng.Kind.interfaceDescription) { block in
            block.append(Pcapng.userLinkType)
            block.append(UInt16(0))
            block.append(UInt32(Pcapng.maximumPacketByteCount))
            block.appendOption(Pcapng.Option.interfaceName, address)
            block.appendOption(Pcapng.Option.interfaceDescription, "messages of a pipe; dissector: namedpipes.lua")
            block.appendOption(Pcapng.Option.timeResolution, number: UInt8(9))
            block.appendEndOfOptions()
        }
    }

    /// Takes the bytes that were made since the last call, which are whole blocks.
    mutating func take() -> [UInt8] { output.take() }

    mutating func append(_ event: CaptureEvent) {
        switch event {
        case .lost(let count):
            pendingLostCount.addSaturating(count)
            totals.lostCount.addSaturating(count)
        case .message(let message):
            let packets = RecordedPacket.all(of: message)
            for (index, packet) in packets.enumerated() { append(packet, isLast: index == packets.count - 1) }
            totals.messageCount += 1
            totals.byteCount.addSaturating(message.byteCount)
        }
    }

    private mutating func append(_ packet: RecordedPacket, isLast: Bool) {
        let header = packet.header
        let capturedCount = header.count + packet.bytes.count
        // What a limit has cut off was part of the last packet.
        let originalCount = isLast ? packet.originalByteCount : capturedCount
        output.appendBlock(Pcapng.Kind.enhancedPacket) { block in
            block.append(UInt32(0))
            block.appendTime(UInt64(clamping: packet.message.nanoseconds))
            block.append(UInt32(capturedCount))
            block.append(UInt32(clamping: originalCount))
            block.appendPadded(header + packet.bytes)
            // Inbound is what the server receives.
            let direction: UInt32 = packet.message.direction == .toServer ? 1 : 2
            block.appendOption(Pcapng.Option.packetFlags, number: direction)
            if pendingLostCount > 0 {
                block.appendOption(Pcapng.Option.packetDropCount, number: UInt64(pendingLostCount))
            }
            block.appendEndOfOptions()
        }
        pendingLostCount = 0
    }

    /// Appends the counts at the end.
    mutating func finish(at nanoseconds: Int64) {
        let (end, totals) = (UInt64(clamping: nanoseconds), totals)
        output.appendBlock(Pcapng.Kind.interfaceStatistics) { [start] block in
            block.append(UInt32(0))
            block.appendTime(end)
            block.appendOption(Pcapng.Option.statisticsStart, time: start)
            block.appendOption(Pcapng.Option.statisticsEnd, time: end)
            block.appendOption(
                Pcapng.Option.statisticsReceived, number: UInt64(totals.messageCount) + UInt64(totals.lostCount))
            block.appendOption(Pcapng.Option.statisticsDropped, number: UInt64(totals.lostCount))
            block.appendEndOfOptions()
        }
    }
}

extension RecordedPacket {
    /// The size of the packet, had everything from its offset on been recorded. The size of the message is the word of
    /// another program.
    fileprivate var originalByteCount: Int {
        var count = header.count
        count.addSaturating(message.byteCount - offset)
        return count
    }
}

extension Int {
    /// Adds a count, up to the largest number.
    fileprivate mutating func addSaturating(_ count: Int) {
        let (sum, overflow) = addingReportingOverflow(count)
        self = overflow ? .max : sum
    }
}
