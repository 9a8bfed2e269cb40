// SPDX-License-Identifier: Apache-2.0

/// Finds the blocks in the bytes of a pcapng file, which may come in any pieces and from anyone: no length in it is
/// believed before the bytes are there, and none is more than ``Pcapng/maximumBlockByteCount``.
struct PcapngParser {
    private var bytes: [UInt8] = []
    /// The beginning of the next block in ``bytes``.
    private var start = 0
    /// The same in the file.
    private(set) var offset = 0
    private var isBigEndian = false
    private var isInSection = false

    /// How many bytes were appended that are not yet a whole block. At the end of the file: what its writer left
    /// unfinished.
    var restByteCount: Int { bytes.count - start }

    /// Takes more bytes of the file.
    mutating func append(_ more: some Sequence<UInt8>) {
        if start > 1 << 20 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next block, with its offset; nil if it is not whole yet.
    mutating func next() throws(PcapngError) -> (block: PcapngBlock, offset: Int)? {
        guard let kind = try nextKind(), let length = try nextLength(kind), restByteCount >= length else { return nil }
        let (body, place) = (start + 8..<start + length - 4, offset)
        let behind = number(at: start + length - 4)
        guard behind == UInt32(length) else { throw .unequalLengths(UInt32(length), behind, offset: place) }
        start += length
        offset += length
        var fields = PcapngFields(bytes[body], isBigEndian: isBigEndian)
        if kind == Pcapng.Kind.sectionHeader { return (try fields.sectionHeader(at: place), place) }
        guard let block = fields.block(kind) else { throw .malformedBlock(offset: place) }
        return (block, place)
    }

    /// A section header reads the same in both byte orders.
    private mutating func nextKind() throws(PcapngError) -> UInt32? {
        guard restByteCount >= 4 else { return nil }
        let kind = number(at: start)
        guard isInSection || kind == Pcapng.Kind.sectionHeader else { throw .notPcapng }
        return kind
    }

    private mutating func nextLength(_ kind: UInt32) throws(PcapngError) -> Int? {
        guard restByteCount >= 12 else { return nil }
        if kind == Pcapng.Kind.sectionHeader {
            isBigEndian = false
            if number(at: start + 8) != Pcapng.byteOrderMagic { isBigEndian = true }
            guard number(at: start + 8) == Pcapng.byteOrderMagic else { throw .notPcapng }
            isInSection = true
        }
        let length = number(at: start + 4)
        guard length >= 12, length.isMultiple(of: 4) else { throw .invalidLength(length, offset: offset) }
        guard length <= Pcapng.maximumBlockByteCount else { throw .blockTooLarge(length, offset: offset) }
        return Int(length)
    }

    private func number(at index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * (isBigEndian ? 3 - $1 : $1)) }
    }
}
