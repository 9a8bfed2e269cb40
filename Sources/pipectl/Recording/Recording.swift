// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// What was read from a recording.
struct Recording: Hashable {
    /// The server's address, of the first interface; empty if there is none.
    var address = ""
    var events: [CaptureEvent] = []
    /// Packets that are no messages of a recording, of other interfaces perhaps.
    var foreignPacketCount = 0
    /// Bytes at the end that are no whole block: the file was cut, or is still being written.
    var cutByteCount = 0
    /// Why nothing was read behind the last event; nil if the file was read to its end.
    var damage: PcapngError?
}

extension Recording {
    /// Reads a file to its end, or to the first block that is damaged; what comes before that is the recording.
    ///
    /// - Throws: ``Failure`` if it cannot be read, is not pcapng, or nothing comes before the damage.
    init(contentsOf path: String) throws(Failure) {
        var decoder = RecordingDecoder()
        var damage: PcapngError?
        try InputFile.read(path) { bytes in
            do throws(PcapngError) { try decoder.append(bytes) } catch { damage = error }
            return damage == nil
        }
        do throws(PcapngError) {
            self = if let damage { try decoder.finish(at: damage) } else { try decoder.finish() }
        } catch {
            throw Failure("cannot read \(printable(Arguments.bytes(of: path))): \(error)")
        }
    }

    /// What of the file is missing or left out, one line each.
    var remarks: [String] {
        var remarks: [String] = []
        if cutByteCount > 0 {
            remarks.append("the file is cut: its last \(counted(cutByteCount, "byte")) are no whole packet")
        }
        if let damage { remarks.append("the file is damaged, and read up to there: \(damage)") }
        if foreignPacketCount > 0 { remarks.append("\(counted(foreignPacketCount, "packet")) of other kinds left out") }
        let lostCount = events.reduce(0) { if case .lost(let count) = $1 { $0 &+ count } else { $0 } }
        if lostCount > 0 { remarks.append("\(counted(lostCount, "message")) lost while it was recorded") }
        return remarks
    }
}

/// Makes a recording of the bytes of a file, which may come in any pieces.
struct RecordingDecoder {
    private var parser = PcapngParser()
    private var recording = Recording()
    /// Of the section.
    private var interfaces: [PcapngInterface] = []
    /// The sum of what packets of the section report as lost before them.
    private var lostCount: UInt64 = 0
    /// A message of which parts may follow.
    private var partial: CapturedMessage?

    mutating func append(_ bytes: [UInt8]) throws(PcapngError) {
        parser.append(bytes)
        while let (block, offset) = try parser.next() { try take(block, at: offset) }
    }

    /// - Returns: everything, at the end of the file.
    mutating func finish() throws(PcapngError) -> Recording {
        // Not even a section header.
        guard parser.offset > 0 else { throw .notPcapng }
        endPartial()
        recording.cutByteCount = parser.restByteCount
        return recording
    }

    /// - Returns: everything that comes before the damage.
    /// - Throws: the damage, if nothing does.
    mutating func finish(at damage: PcapngError) throws(PcapngError) -> Recording {
        endPartial()
        guard !recording.events.isEmpty else { throw damage }
        recording.damage = damage
        return recording
    }

    private mutating func take(_ block: PcapngBlock, at offset: Int) throws(PcapngError) {
        switch block {
        case .sectionHeader:
            endPartial()
            interfaces = []
            lostCount = 0
        case .interface(let interface):
            if interfaces.isEmpty, recording.address.isEmpty { recording.address = interface.name }
            interfaces.append(interface)
        case .packet(let packet):
            guard packet.interface < interfaces.count else {
                throw .unknownInterface(packet.interface, offset: offset)
            }
            take(packet, of: interfaces[Int(packet.interface)])
        case .statistics(let number, let total):
            // What was lost behind the last message.
            guard number < interfaces.count, interfaces[Int(number)].linkType == Pcapng.userLinkType else { return }
            if let total, total > lostCount { lose(total - lostCount) }
        case .other: break
        }
    }

    private mutating func take(_ packet: PcapngPacket, of interface: PcapngInterface) {
        guard interface.linkType == Pcapng.userLinkType,
            let part = RecordedPacket(packet.bytes, nanoseconds: interface.nanoseconds(ofTicks: packet.ticks))
        else {
            recording.foreignPacketCount += 1
            return
        }
        if packet.droppedCount > 0 { lose(packet.droppedCount) }
        if part.offset == 0 {
            endPartial()
            partial = part.message
        }
        guard let begun = partial, begun.isContinued(by: part) else {
            recording.foreignPacketCount += 1
            return
        }
        partial?.bytes += part.bytes
        if partial?.isCut == false { endPartial() }
    }

    private mutating func lose(_ count: UInt64) {
        endPartial()
        lostCount = lostCount.addingReportingOverflow(count).partialValue
        recording.events.append(.lost(Int(clamping: count)))
    }

    /// What there is of the message is all.
    private mutating func endPartial() {
        if let partial { recording.events.append(.message(partial)) }
        partial = nil
    }
}

extension CapturedMessage {
    fileprivate func isContinued(by part: RecordedPacket) -> Bool {
        part.offset == bytes.count && part.message.sequence == sequence && part.message.connection == connection
            && part.message.direction == direction && part.message.byteCount == byteCount
    }
}
