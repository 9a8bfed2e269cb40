// SPDX-License-Identifier: Apache-2.0
/// Bytes that show every shift and every swap.
package func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    // A block whose length is prime, repeated: this code is not optimised, and some tests want many megabytes.
    var random = Seeded(UInt64(truncatingIfNeeded: seed))
    var block: [UInt8] = []
    while block.count < min(count, 4093) {
        let number = random.next()
        unsafe withUnsafeBytes(of: number) { unsafe block.append(contentsOf: $0) }
    }
    block.removeLast(max(0, block.count - 4093))
    return repeated(block, count)
}

/// Lower-case letters that show every shift and every swap: text for framings that do not carry every byte.
package func letters(_ count: Int, seed: Int = 0) -> [UInt8] {
    repeated(pattern(4093, seed: seed).map { 0x61 + $0 % 26 }, count)
}

private func repeated(_ block: [UInt8], _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + block.count)
    while bytes.count < count { bytes.append(contentsOf: block) }
    bytes.removeLast(bytes.count - count)
    return bytes
}

/// A frame of the default framing.
package func frame(_ body: [UInt8]) -> [UInt8] {
    let count = body.count
    return [UInt8(count >> 24 & 255), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)] + body
}

package func frame(_ text: String) -> [UInt8] { frame(Array(text.utf8)) }
