// SPDX-License-Identifier: Apache-2.0

// Searching for bytes. This module imports nothing, so memchr(3) and memmem(3) are not available.

extension Span<UInt8> {
    /// The offset of the first `byte` at or behind `start`, or nil.
    func firstOffset(of byte: UInt8, from start: Int) -> Int? {
        precondition(start >= 0, "a search from a negative offset")
        return unsafe withUnsafeBytes { bytes in
            unsafe ByteSearch.firstOffset(of: byte, in: bytes, from: start)
        }
    }

    /// The offset of the first `pattern`, which begins with `first`, at or behind `start`, or nil.
    ///
    /// Costs one comparison for each byte, and, at each occurrence of `first`, at most one for each byte of the
    /// pattern.
    func firstOffset(of pattern: [UInt8], from start: Int) -> Int? {
        var candidate = start
        while let offset = firstOffset(of: pattern[0], from: candidate), pattern.count <= count - offset {
            if contains(pattern.span, at: offset) { return offset }
            candidate = offset + 1
        }
        return nil
    }

    /// Whether `pattern` is at `offset`; false if there are not enough bytes for it.
    func contains(_ pattern: Span<UInt8>, at offset: Int) -> Bool {
        for index in pattern.indices where self[offset + index] != pattern[index] { return false }
        return true
    }
}

private enum ByteSearch {
    /// Eight bytes at a time: a byte of `word ^ pattern` is 0 at the wanted byte, and `x - 0x01` borrows into the top
    /// bit of the lowest such byte. Bytes above that one may be marked wrongly, so only the lowest mark counts.
    static func firstOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let pattern = ones &* UInt64(byte)
        var offset = start
        while offset &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let difference = word ^ pattern
            let marks = (difference &- ones) & ~difference & (ones &<< 7)
            if marks != 0 { return offset &+ marks.trailingZeroBitCount &>> 3 }
            offset &+= 8
        }
        while offset < bytes.count {
            if unsafe base.load(fromByteOffset: offset, as: UInt8.self) == byte { return offset }
            offset &+= 1
        }
        return nil
    }
}
