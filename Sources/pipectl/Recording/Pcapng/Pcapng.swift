// SPDX-License-Identifier: Apache-2.0

/// The numbers of pcapng, the format of Wireshark's files (draft-ietf-opsawg-pcapng).
enum Pcapng {
    /// The kinds of blocks. All others are skipped.
    enum Kind {
        static let sectionHeader: UInt32 = 0x0A0D_0D0A
        static let interfaceDescription: UInt32 = 1
        static let interfaceStatistics: UInt32 = 5
        static let enhancedPacket: UInt32 = 6
    }

    /// The codes of options, which depend on the block.
    enum Option {
        static let end: UInt16 = 0
        static let comment: UInt16 = 1
        static let applicationName: UInt16 = 4
        static let interfaceName: UInt16 = 2
        static let interfaceDescription: UInt16 = 3
        static let timeResolution: UInt16 = 9
        static let timeOffset: UInt16 = 14
        static let packetFlags: UInt16 = 2
        static let packetDropCount: UInt16 = 4
        static let statisticsStart: UInt16 = 2
        static let statisticsEnd: UInt16 = 3
        static let statisticsReceived: UInt16 = 4
        static let statisticsDropped: UInt16 = 5
    }

    /// The number that shows in which byte order a section is.
    static let byteOrderMagic: UInt32 = 0x1A2B_3C4D

    /// The link type that is free for private use (`LINKTYPE_USER0`): ours.
    static let userLinkType: UInt16 = 147

    /// The largest packet, in bytes. Wireshark takes a file with a larger one for a damaged one.
    static let maximumPacketByteCount = 262_144

    /// The largest block that is read, in bytes, as in Wireshark.
    static let maximumBlockByteCount = 16 << 20
}

/// The reason why a file is not pcapng, or not an intact one. Offsets are those of blocks in the file.
enum PcapngError: Error, Hashable {
    /// It does not begin with a section header.
    case notPcapng
    /// A section of another major version than 1.
    case unsupportedVersion(UInt16, offset: Int)
    /// A block of less than 12 bytes, or not of a multiple of four.
    case invalidLength(UInt32, offset: Int)
    /// A block of more than ``Pcapng/maximumBlockByteCount``.
    case blockTooLarge(UInt32, offset: Int)
    /// The length behind a block is not the one in front of it.
    case unequalLengths(UInt32, UInt32, offset: Int)
    /// What is in a block is longer than the block, or shorter than its kind has to be.
    case malformedBlock(offset: Int)
    /// A packet of an interface that was not described.
    case unknownInterface(UInt32, offset: Int)
}

extension PcapngError: CustomStringConvertible {
    var description: String {
        switch self {
        case .notPcapng: "it is not a pcapng file"
        case .unsupportedVersion(let version, let offset):
            "the section at byte \(offset) has version \(version) of pcapng, not 1"
        case .invalidLength(let length, let offset): "the block at byte \(offset) cannot have \(length) bytes"
        case .blockTooLarge(let length, let offset):
            "the block at byte \(offset) has \(length) bytes, more than \(Pcapng.maximumBlockByteCount)"
        case .unequalLengths(let first, let last, let offset):
            "the block at byte \(offset) has two lengths, \(first) and \(last)"
        case .malformedBlock(let offset): "the block at byte \(offset) is malformed"
        case .unknownInterface(let number, let offset):
            "the packet at byte \(offset) is from interface \(number), which is not described"
        }
    }
}
