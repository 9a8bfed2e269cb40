// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes

/// Bytes that have arrived and were not read: in at the back, out at the front.
struct ReceivedBytes {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ more: Span<UInt8>) {
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
            start = 0
        } else if start > bytes.count / 2 {
            // Moved to the front if that is cheaper than growing.
            bytes.removeFirst(start)
            start = 0
        }
        unsafe more.withUnsafeBufferPointer { more in unsafe bytes.append(contentsOf: more) }
    }

    mutating func removeFirst(_ limit: Int) -> ArraySlice<UInt8> {
        let end = start + min(limit, count)
        defer { start = end }
        return bytes[start..<end]
    }

    /// An idle session keeps no more memory than this.
    private static let keptCapacity = 16 << 10
}
#endif
