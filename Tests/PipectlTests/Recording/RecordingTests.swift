// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import PipeTestSupport
import Testing

@testable import pipectl

/// The bytes of a recording, and what is read from them.
struct RecordingTests {
    private static let start: Int64 = 1_795_000_000_123_456_789

    private func message(
        _ sequence: UInt64, _ bytes: [UInt8], _ direction: CapturedMessage.Direction = .toServer,
        connection: String = "17.1", userID: UInt32? = 1000, processID: Int32? = 4711, of byteCount: Int? = nil
    ) -> CapturedMessage {
        CapturedMessage(
            nanoseconds: Self.start + Int64(sequence), connection: connection, direction: direction, userID: userID,
            processID: processID, sequence: sequence, byteCount: byteCount ?? bytes.count, bytes: bytes)
    }

    private func encoded(_ events: [CaptureEvent]) -> [UInt8] {
        var encoder = RecordingEncoder(of: "/run/app/pipe.sock", at: Self.start)
        for event in events { encoder.append(event) }
        encoder.finish(at: Self.start + 1_000_000)
        return encoder.take()
    }

    private func decoded(_ bytes: [UInt8], inPiecesOf size: Int = .max) throws(PcapngError) -> Recording {
        var decoder = RecordingDecoder()
        var rest = bytes[...]
        while !rest.isEmpty {
            try decoder.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return try decoder.finish()
    }

    private var variety: [CaptureEvent] {
        [
            .message(message(0, Array("{\"id\":1}".utf8))), .message(message(1, [], .toClient)),
            .lost(7), .message(message(9, [0, 255, 10], .toClient, connection: "2/17.1", userID: nil)),
            .message(message(10, pattern(600_001), processID: nil)),
            .message(message(11, pattern(100), of: 5000)), .lost(3),
            .message(message(15, pattern(300_000), .toClient, connection: "", of: 400_000)), .lost(2),
        ]
    }

    @Test(arguments: [1, 7, 4096, .max])
    func `what is recorded is read again, however the file is cut into reads`(_ size: Int) throws {
        // In small pieces, the large messages would take the test long, and are no different.
        let events = size < 100 ? Array(variety.prefix(4)) : variety
        let recording = try decoded(encoded(events), inPiecesOf: size)
        #expect(recording.events == events)
        #expect(recording.address == "/run/app/pipe.sock")
        #expect(recording.foreignPacketCount == 0 && recording.cutByteCount == 0)
    }

    @Test(arguments: seeds(50)) func `random messages come back`(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var events: [CaptureEvent] = []
        for sequence in 0..<UInt64.random(in: 0...40, using: &random) {
            if Int.random(in: 0..<8, using: &random) == 0, !events.isEmpty { events.append(.lost(1 + Int(sequence))) }
            let bytes = pattern(Int.random(in: 0...3000, using: &random), seed: Int(seed))
            let extra = Bool.random(using: &random) ? 0 : Int.random(in: 0...9, using: &random)
            events.append(
                .message(
                    message(
                        sequence, bytes, Bool.random(using: &random) ? .toServer : .toClient,
                        connection: "\(Int.random(in: 0...3, using: &random)).é", of: bytes.count + extra)))
        }
        #expect(try decoded(encoded(events)).events == events)
    }

    @Test func `no packet is larger than Wireshark takes, and a large message is several`() throws {
        let bytes = encoded([.message(message(0, pattern(600_001)))])
        var parser = PcapngParser()
        parser.append(bytes)
        var sizes: [Int] = []
        while let (block, _) = try parser.next() {
            if case .packet(let packet) = block { sizes.append(packet.bytes.count) }
        }
        #expect(sizes == [262_144, 262_144, 600_001 + 3 * 44 - 2 * 262_144])
    }

    @Test func `of a file that is cut anywhere, what is whole is used, and the rest counted`() throws {
        let events = [CaptureEvent.message(message(0, pattern(30))), .message(message(1, pattern(5), .toClient))]
        let bytes = encoded(events)
        var counts: [Int] = []
        for end in 1...bytes.count {
            // Less than a section header is no pcapng file.
            guard let recording = try? decoded(Array(bytes[..<end])) else {
                #expect(counts.isEmpty)
                continue
            }
            #expect(recording.events == Array(events.prefix(recording.events.count)))
            #expect(recording.cutByteCount < 160)
            counts.append(recording.events.count)
        }
        #expect(Set(counts) == [0, 1, 2] && counts == counts.sorted())
    }

    @Test func `behind a damaged block nothing is read, and what comes before it is there`() throws {
        let directory = try Directory()
        let events = [CaptureEvent.message(message(0, pattern(30)))]
        let bytes = encoded(events)
        try Data(bytes + [UInt8](repeating: 0, count: 4096) + bytes).write(to: URL(filePath: "\(directory.path)/talk"))
        let recording = try Recording(contentsOf: "\(directory.path)/talk")
        #expect(recording.events == events)
        #expect(recording.damage == .invalidLength(0, offset: bytes.count))
        #expect(
            recording.remarks == [
                "the file is damaged, and read up to there: the block at byte \(bytes.count) cannot have 0 bytes"
            ])
    }

    @Test func `a large message whose last packets are cut off is a message that is cut`() throws {
        let bytes = encoded([.message(message(0, pattern(600_001)))])
        let recording = try decoded(Array(bytes[..<(bytes.count - 50_000)]))
        guard case .message(let read) = recording.events.first else { return #expect(Bool(false), "no message") }
        #expect(read.isCut && read.byteCount == 600_001 && read.bytes == Array(pattern(600_001).prefix(2 * 262_100)))
        #expect(recording.remarks.count == 1 && recording.remarks[0].hasPrefix("the file is cut: its last "))
    }

    @Test func `a connection's identifier keeps what fits into its field`() throws {
        let long = String(repeating: "é", count: 200)
        let recording = try decoded(encoded([.message(message(0, [1], connection: long))]))
        guard case .message(let read) = recording.events.first else { return #expect(Bool(false), "no message") }
        #expect(read.connection == String(repeating: "é", count: 127))
    }

    @Test func `times beyond nanoseconds since 1970 stay in their range`() {
        var interface = PcapngInterface(linkType: 147)
        #expect(interface.nanoseconds(ofTicks: 1_000_001) == 1_000_001_000)
        #expect(interface.nanoseconds(ofTicks: .max) == .max)
        interface.timeResolution = 9
        #expect(interface.nanoseconds(ofTicks: 5) == 5)
        interface.timeResolution = 12
        #expect(interface.nanoseconds(ofTicks: 5_999) == 5)
        interface.timeResolution = 127
        #expect(interface.nanoseconds(ofTicks: .max) == 0)
        interface.timeResolution = 0x80 | 10
        #expect(interface.nanoseconds(ofTicks: 1536) == 1_500_000_000)
        interface.timeResolution = 0x80 | 64
        #expect(interface.nanoseconds(ofTicks: 1 << 63) == 500_000_000)
        for resolution in UInt8.min...UInt8.max {
            for offset in [Int64.min, -1, 0, 1, .max] {
                interface.timeResolution = resolution
                interface.timeOffset = offset
                for ticks in [0, 1, UInt64.max] { _ = interface.nanoseconds(ofTicks: ticks) }
            }
        }
        interface = PcapngInterface(linkType: 147, timeResolution: 0, timeOffset: 10)
        #expect(interface.nanoseconds(ofTicks: 1) == 11_000_000_000)
    }
}
