// SPDX-License-Identifier: Apache-2.0

/// A block of a pcapng file, as far as a recording needs it.
enum PcapngBlock: Hashable {
    case sectionHeader
    case interface(PcapngInterface)
    case packet(PcapngPacket)
    /// How many packets an interface has dropped in all; nil if that is unknown.
    case statistics(interface: UInt32, droppedCount: UInt64?)
    /// Skipped.
    case other(UInt32)
}

/// An interface of a section. The first one has the number 0.
struct PcapngInterface: Hashable {
    var linkType: UInt16
    /// `if_name`; empty if there is none.
    var name = ""
    /// `if_tsresol`: 10 to the minus this, or, with the highest bit, 2 to the minus the rest. The default is 6.
    var timeResolution: UInt8 = 6
    /// `if_tsoffset`, in seconds.
    var timeOffset: Int64 = 0

    /// Nanoseconds since 1970 for a packet's time. Times beyond the range of 64 bits become the last one in it.
    func nanoseconds(ofTicks ticks: UInt64) -> Int64 {
        let (offset, overflow) = timeOffset.multipliedReportingOverflow(by: 1_000_000_000)
        let base = overflow ? (timeOffset < 0 ? .min : .max) : offset
        let (sum, sumOverflow) = base.addingReportingOverflow(Int64(clamping: unsignedNanoseconds(ofTicks: ticks)))
        return sumOverflow ? .max : sum
    }

    private func unsignedNanoseconds(ofTicks ticks: UInt64) -> UInt64 {
        let exponent = UInt64(timeResolution & 0x7F)
        guard timeResolution & 0x80 != 0 else {
            if exponent > 9 { return exponent - 9 < 20 ? ticks / Self.powerOfTen(exponent - 9) : 0 }
            let (product, overflow) = ticks.multipliedReportingOverflow(by: Self.powerOfTen(9 - exponent))
            return overflow ? .max : product
        }
        // The product has 128 bits, of which the exponent says how many are a fraction.
        let product = ticks.multipliedFullWidth(by: 1_000_000_000)
        if exponent >= 64 { return exponent == 64 ? product.high : product.high >> (exponent - 64) }
        guard product.high >> exponent == 0 else { return .max }
        return exponent == 0 ? product.low : product.high << (64 - exponent) | product.low >> exponent
    }

    /// - Parameter exponent: less than 20.
    private static func powerOfTen(_ exponent: UInt64) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power * 10 } }
}

/// An enhanced packet.
struct PcapngPacket: Hashable {
    var interface: UInt32
    /// In the interface's resolution.
    var ticks: UInt64
    var bytes: [UInt8]
    /// `epb_dropcount`: how many packets were lost directly before this one.
    var droppedCount: UInt64 = 0
}
