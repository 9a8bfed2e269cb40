// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one block, from the first to the last. Nothing is read that is not there.
struct PcapngFields {
    private var rest: ArraySlice<UInt8>
    private let isBigEndian: Bool

    /// - Parameter bytes: the block without its kind and its two lengths.
    init(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
        rest = bytes
        self.isBigEndian = isBigEndian
    }

    mutating func sectionHeader(at offset: Int) throws(PcapngError) -> PcapngBlock {
        guard number(UInt32.self) != nil, let major = number(UInt16.self), number(UInt16.self) != nil,
            number(UInt64.self) != nil
        else { throw .malformedBlock(offset: offset) }
        guard major == 1 else { throw .unsupportedVersion(major, offset: offset) }
        return .sectionHeader
    }

    /// Nil if it is malformed.
    mutating func block(_ kind: UInt32) -> PcapngBlock? {
        switch kind {
        case Pcapng.Kind.interfaceDescription: interface().map(PcapngBlock.interface)
        case Pcapng.Kind.enhancedPacket: packet().map(PcapngBlock.packet)
        case Pcapng.Kind.interfaceStatistics: statistics()
        default: .other(kind)
        }
    }

    private mutating func interface() -> PcapngInterface? {
        guard let linkType = number(UInt16.self), number(UInt16.self) != nil, number(UInt32.self) != nil else {
            return nil
        }
        var interface = PcapngInterface(linkType: linkType)
        let isWhole = readOptions { code, value in
            switch code {
            case Pcapng.Option.interfaceName: interface.name = String(decoding: value.rest, as: UTF8.self)
            case Pcapng.Option.timeResolution: interface.timeResolution = value.number() ?? 6
            case Pcapng.Option.timeOffset: interface.timeOffset = value.number() ?? 0
            default: break
            }
        }
        return isWhole ? interface : nil
    }

    private mutating func packet() -> PcapngPacket? {
        guard let interface = number(UInt32.self), let ticks = time(), let count = number(UInt32.self),
            number(UInt32.self) != nil, let bytes = padded(Int(count))
        else { return nil }
        var packet = PcapngPacket(interface: interface, ticks: ticks, bytes: Array(bytes))
        let isWhole = readOptions { code, value in
            if code == Pcapng.Option.packetDropCount { packet.droppedCount = value.number() ?? 0 }
        }
        return isWhole ? packet : nil
    }

    private mutating func statistics() -> PcapngBlock? {
        guard let interface = number(UInt32.self), time() != nil else { return nil }
        var droppedCount: UInt64?
        let isWhole = readOptions { code, value in
            if code == Pcapng.Option.statisticsDropped { droppedCount = value.number() }
        }
        return isWhole ? .statistics(interface: interface, droppedCount: droppedCount) : nil
    }

    // MARK: - Parts

    private mutating func time() -> UInt64? {
        guard let high = number(UInt32.self), let low = number(UInt32.self) else { return nil }
        return UInt64(high) << 32 | UInt64(low)
    }

    /// - Returns: false if an option is longer than the block.
    private mutating func readOptions(_ body: (_ code: UInt16, _ value: inout PcapngFields) -> Void) -> Bool {
        while !rest.isEmpty {
            guard let code = number(UInt16.self), let length = number(UInt16.self) else { return false }
            if code == Pcapng.Option.end { return true }
            guard let bytes = padded(Int(length)) else { return false }
            var value = PcapngFields(bytes, isBigEndian: isBigEndian)
            body(code, &value)
        }
        return true
    }

    private mutating func number<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        let count = Value.bitWidth / 8
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        let bytes = isBigEndian ? Array(rest.prefix(count)) : rest.prefix(count).reversed()
        return bytes.reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// Takes bytes, and those that fill them up to a multiple of four.
    private mutating func padded(_ count: Int) -> ArraySlice<UInt8>? {
        guard (count + 3) / 4 * 4 <= rest.count else { return nil }
        defer { rest = rest.dropFirst((count + 3) / 4 * 4) }
        return rest.prefix(count)
    }
}
