// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import pipectl

/// Files of other programs, and of none.
struct PcapngParserTests {
    /// A file in either byte order, block by block.
    private struct File {
        var bytes: [UInt8] = []
        let isBigEndian: Bool

        func number<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            let bytes = (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Value(8 * $0)) }
            return isBigEndian ? bytes.reversed() : bytes
        }

        func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
            number(code) + number(UInt16(value.count)) + value + Array(repeating: 0, count: (4 - value.count % 4) % 4)
        }

        mutating func add(_ kind: UInt32, _ body: [UInt8], length: UInt32? = nil, last: UInt32? = nil) {
            let size = length ?? UInt32(body.count + 12)
            bytes += number(kind) + number(size) + body + number(last ?? size)
        }

        mutating func addSection() {
            add(
                0x0A0D_0D0A,
                number(0x1A2B_3C4D as UInt32) + number(1 as UInt16) + number(2 as UInt16) + number(-1 as Int64))
        }

        mutating func addInterface(_ linkType: UInt16 = 147, _ options: [UInt8] = []) {
            add(1, number(linkType) + number(0 as UInt16) + number(0 as UInt32) + options)
        }

        mutating func addPacket(_ data: [UInt8], interface: UInt32 = 0, count: UInt32? = nil, _ options: [UInt8] = []) {
            let fields = number(interface) + number(0 as UInt32) + number(7_000_000 as UInt32)
            let padding = Array(repeating: 0 as UInt8, count: (4 - data.count % 4) % 4)
            let sizes = number(count ?? UInt32(data.count)) + number(UInt32(data.count))
            add(6, fields + sizes + data + padding + options)
        }
    }

    private func recording(of file: File) throws(PcapngError) -> Recording {
        var decoder = RecordingDecoder()
        try decoder.append(file.bytes)
        return try decoder.finish()
    }

    private var message: CapturedMessage {
        CapturedMessage(
            nanoseconds: 7_000_000_000, connection: "1", direction: .toClient, userID: 0, processID: nil, sequence: 3,
            byteCount: 2, bytes: [104, 105])
    }

    private var packet: [UInt8] { RecordedPacket.all(of: message)[0].header + [104, 105] }

    @Test(arguments: [false, true])
    func `both byte orders are read, and what is unknown is skipped`(_ isBigEndian: Bool) throws {
        var file = File(isBigEndian: isBigEndian)
        file.addSection()
        file.add(0x0BAD, [1, 2, 3, 4, 5, 6, 7, 8])
        file.addInterface(1, file.option(2, Array("lo".utf8)))
        file.addInterface(147, file.option(0x7777, [1, 2, 3]) + file.option(9, [6]) + file.number(0 as UInt32))
        file.addPacket(Array(repeating: 9, count: 60))
        file.addPacket(
            packet, interface: 1, file.option(4, file.number(5 as UInt64)) + file.option(1, Array("note".utf8)))
        file.addPacket(Array("no message of ours at all, but long enough".utf8), interface: 1)
        let statistics = { (number: UInt32, count: UInt64) in
            file.number(number) + file.number(0 as UInt64) + file.option(5, file.number(count))
        }
        file.add(5, statistics(0, 1000))
        file.add(5, statistics(1, 9))
        let recording = try recording(of: file)
        #expect(recording.events == [.lost(5), .message(message), .lost(4)])
        #expect(recording.address == "lo" && recording.foreignPacketCount == 2)
    }

    @Test func `sections of both orders may follow each other, with interfaces of their own`() throws {
        var file = File(isBigEndian: false)
        var other = File(isBigEndian: true)
        for section in 0...1 {
            var part = section == 0 ? file : other
            part.bytes = []
            part.addSection()
            part.addInterface()
            part.addPacket(packet)
            if section == 0 { file = part } else { other = part }
        }
        file.bytes += other.bytes
        #expect(try recording(of: file).events == [.message(message), .message(message)])
    }

    private static let hostile: [(name: String, error: PcapngError, make: @Sendable (inout File) -> Void)] = [
        ("length 0", .invalidLength(0, offset: 28), { $0.add(1, [], length: 0) }),
        ("odd length", .invalidLength(21, offset: 28), { $0.add(1, Array(repeating: 0, count: 8), length: 21) }),
        ("huge length", .blockTooLarge(0xFFFF_FFF0, offset: 28), { $0.add(1, [], length: 0xFFFF_FFF0) }),
        ("two lengths", .unequalLengths(20, 24, offset: 28), { $0.add(9, Array(repeating: 0, count: 8), last: 24) }),
        ("short interface", .malformedBlock(offset: 28), { $0.add(1, [0, 0, 0, 0]) }),
        (
            "option beyond its block", .malformedBlock(offset: 28),
            { $0.addInterface(147, $0.number(2 as UInt16) + $0.number(500 as UInt16) + [1, 2, 3, 4]) }
        ),
        (
            "packet beyond its block", .malformedBlock(offset: 48),
            {
                $0.addInterface()
                $0.addPacket([1, 2, 3, 4], count: 0xFFFF_FFFF)
            }
        ),
        ("packet of no interface", .unknownInterface(0, offset: 28), { $0.addPacket([1, 2, 3, 4]) }),
        (
            "section of another version", .unsupportedVersion(2, offset: 28),
            {
                $0.add(
                    0x0A0D_0D0A,
                    $0.number(0x1A2B_3C4D as UInt32) + $0.number(2 as UInt32) + Array(repeating: 255, count: 8))
            }
        ),
    ]

    @Test(arguments: hostile.indices) func `sizes that cannot be are refused`(_ index: Int) {
        var file = File(isBigEndian: false)
        file.addSection()
        Self.hostile[index].make(&file)
        #expect(throws: Self.hostile[index].error, "\(Self.hostile[index].name)") { try recording(of: file) }
    }

    @Test(arguments: [[], [1, 2, 3], Array("not a recording".utf8), Array(repeating: 0x0A, count: 40)])
    func `other files are no pcapng files`(_ bytes: [UInt8]) {
        #expect(throws: PcapngError.notPcapng) { try recording(of: File(bytes: bytes, isBigEndian: false)) }
    }

    @Test(arguments: [
        (0, UInt8(2)), (1, 2), (3, 200), (12, 255), (13, 0), (24, 255), (31, 1), (32, 128), (39, 9), (40, 255),
    ])
    func `packets that only look like ours are left out`(_ index: Int, _ value: UInt8) throws {
        var file = File(isBigEndian: false)
        file.addSection()
        file.addInterface()
        var bytes = packet
        bytes[index] = value
        file.addPacket(bytes)
        file.addPacket(packet)
        let recording = try recording(of: file)
        #expect(recording.events == [.message(message)] && recording.foreignPacketCount == 1)
    }

    @Test(arguments: seeds(300)) func `whatever is changed in a file, reading it ends with a result or an error`(
        _ seed: UInt64
    ) {
        var random = Seeded(seed)
        var file = File(isBigEndian: Bool.random(using: &random))
        file.addSection()
        file.addInterface(147, file.option(9, [9]))
        for _ in 0..<4 { file.addPacket(packet, file.option(4, file.number(1 as UInt64))) }
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let index = Int.random(in: file.bytes.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: file.bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: file.bytes.remove(at: index)
            default: file.bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
            }
        }
        do throws(PcapngError) {
            let recording = try recording(of: file)
            #expect(recording.events.count <= 8 && recording.cutByteCount <= file.bytes.count)
            for case .message(let message) in recording.events { #expect(message.bytes.count <= message.byteCount) }
        } catch {
            #expect(!"\(error)".isEmpty)
        }
    }
}
