// SPDX-License-Identifier: Apache-2.0

/// The texts that a caller sends, each different from all others of the load: the caller's number and the call's, in
/// eight hexadecimal digits each, and a filling.
struct CallText {
    static let shortest = 16
    private static let digits = Array("0123456789abcdef".utf8)
    private var bytes: [UInt8]
    private var call: UInt32 = 0

    init(caller: Int, size: Int) {
        bytes = (0..<size).map { UInt8(ascii: "g") + UInt8($0 % 20) }
        write(UInt32(truncatingIfNeeded: caller), at: 0)
    }

    mutating func next() -> String {
        write(call, at: 8)
        call &+= 1
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func write(_ number: UInt32, at start: Int) {
        for place in 0..<8 { bytes[start + place] = Self.digits[Int(number >> (28 - 4 * UInt32(place))) & 15] }
    }
}
