// SPDX-License-Identifier: Apache-2.0

/// Makes blocks of a pcapng file, in little-endian order.
struct PcapngOutput {
    /// What was made since it was last taken.
    private(set) var bytes: [UInt8] = []

    /// Takes what was made.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// Appends a block.
    ///
    /// - Parameters:
    ///   - kind: of ``Pcapng/Kind``.
    ///   - body: appends its fields, data and options; the lengths and the padding are added.
    mutating func appendBlock(_ kind: UInt32, _ body: (inout PcapngOutput) -> Void) {
        let start = bytes.count
        append(kind)
        append(UInt32(0))
        body(&self)
        pad()
        let length = UInt32(bytes.count - start + 4)
        append(length)
        for index in 0..<4 { bytes[start + 4 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    }

    mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    /// Appends bytes, and zeros up to a multiple of four.
    mutating func appendPadded(_ data: some Sequence<UInt8>) {
        bytes.append(contentsOf: data)
        pad()
    }

    /// Appends an option whose value is a text of at most 65,535 bytes; what is longer is left out.
    mutating func appendOption(_ code: UInt16, _ text: String) {
        appendOption(code, Array(text.utf8.prefix(Int(UInt16.max))))
    }

    mutating func appendOption<Value: FixedWidthInteger>(_ code: UInt16, number: Value) {
        append(code)
        append(UInt16(Value.bitWidth / 8))
        append(number)
        pad()
    }

    /// A time as options have it: its upper half first, whatever the byte order.
    mutating func appendOption(_ code: UInt16, time: UInt64) {
        append(code)
        append(UInt16(8))
        appendTime(time)
    }

    mutating func appendTime(_ time: UInt64) {
        append(UInt32(truncatingIfNeeded: time >> 32))
        append(UInt32(truncatingIfNeeded: time))
    }

    mutating func appendEndOfOptions() { append(UInt32(0)) }

    private mutating func appendOption(_ code: UInt16, _ value: [UInt8]) {
        append(code)
        append(UInt16(value.count))
        appendPadded(value)
    }

    /// Every block begins at a multiple of four of what was made.
    private mutating func pad() {
        while !bytes.count.isMultiple(of: 4) { bytes.append(0) }
    }
}
