// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import PipeFraming
import Testing

@Suite struct `A frame buffer` {
    @Test func `owns nothing before the first append and after the last removal`() {
        var buffer = FrameBuffer()
        #expect(buffer.isEmpty && buffer.byteCount == 0 && buffer.capacity == 0)
        #expect(Array(copying: buffer.span) == [])
        let none: [UInt8] = []
        buffer.append(contentsOf: none.span)
        #expect(buffer.capacity == 0)
        buffer.append(1)
        #expect(buffer.capacity > 0)
        buffer.removeAll()
        #expect(buffer.isEmpty && buffer.capacity == 0)
    }

    @Test func `keeps its memory where told to`() {
        var buffer = FrameBuffer()
        buffer.append(1)
        let capacity = buffer.capacity
        buffer.removeAll(keepingCapacity: true)
        #expect(buffer.isEmpty && buffer.capacity == capacity)
    }

    @Test func `writes numbers in either order`() {
        var buffer = FrameBuffer()
        buffer.append(bigEndian: 0x0102_0304 as UInt32)
        buffer.append(littleEndian: 0x0102_0304 as UInt32)
        buffer.append(bigEndian: 0x05 as UInt8)
        buffer.append(bigEndian: -2 as Int16)
        buffer.append(littleEndian: 1 as UInt64)
        let expected: [UInt8] = [1, 2, 3, 4, 4, 3, 2, 1, 5, 0xFF, 0xFE, 1, 0, 0, 0, 0, 0, 0, 0]
        #expect(Array(copying: buffer.span) == expected)
    }

    @Test func `growing at least doubles`() {
        var buffer = FrameBuffer()
        var growths = 0
        var capacity = 0
        for _ in 0..<100_000 {
            buffer.append(7)
            guard buffer.capacity != capacity else { continue }
            #expect(buffer.capacity >= 2 * capacity)
            capacity = buffer.capacity
            growths += 1
        }
        #expect(buffer.byteCount == 100_000)
        #expect(growths < 12)
    }

    @Test func `uses the room at its front again before it grows`() {
        var buffer = FrameBuffer()
        buffer.append(contentsOf: [UInt8](repeating: 1, count: 250).span)
        let capacity = buffer.capacity
        for _ in 0..<1000 {
            buffer.append(contentsOf: [2, 2, 2].span)
            buffer.removeFirst(200)
            buffer.append(contentsOf: [UInt8](repeating: 3, count: 197).span)
        }
        #expect(buffer.byteCount == 250)
        #expect(buffer.capacity <= 4 * 253 && capacity <= 4 * 253)
    }

    @Test func `grows rather than move many bytes for a little room`() {
        var buffer = FrameBuffer()
        buffer.append(contentsOf: [UInt8](repeating: 1, count: 256).span)
        buffer.removeFirst(1)
        buffer.append(2)
        #expect(buffer.capacity == 512 && buffer.byteCount == 256)
        buffer.removeFirst(200)
        buffer.append(contentsOf: [UInt8](repeating: 3, count: 400).span)
        #expect(buffer.capacity == 512 && buffer.byteCount == 456)
    }

    @Test func `has all its room again once it is empty`() {
        var buffer = FrameBuffer()
        buffer.append(contentsOf: [UInt8](repeating: 1, count: 256).span)
        let capacity = buffer.capacity
        buffer.removeFirst(256)
        buffer.append(contentsOf: [UInt8](repeating: 2, count: capacity).span)
        #expect(buffer.capacity == capacity)
    }

    @Test func `reserves exactly what was asked for, once`() {
        var buffer = FrameBuffer()
        buffer.append(contentsOf: [1, 2, 3].span)
        buffer.reserveCapacity(1000)
        #expect(buffer.capacity == 1000)
        buffer.removeFirst(1)
        buffer.reserveCapacity(1000)
        buffer.append(contentsOf: [UInt8](repeating: 4, count: 998).span)
        #expect(buffer.capacity == 1000 && buffer.byteCount == 1000)
        #expect(Array(copying: buffer.span).prefix(3) == [2, 3, 4])
        buffer.reserveCapacity(10)
        #expect(buffer.capacity == 1000)
    }

    @Test func `takes what a system call wrote, and hands out what one will send`() {
        var buffer = FrameBuffer()
        buffer.append(9)
        let appended = unsafe buffer.withUnsafeFreeSpace(minimumCapacity: 300) { space in
            #expect(space.count >= 300)
            unsafe space.copyBytes(from: [1, 2, 3] as [UInt8])
            return 3
        }
        #expect(appended == 3)
        let sent = unsafe buffer.withUnsafeBytes { unsafe Array($0) }
        #expect(sent == [9, 1, 2, 3])
    }

    @Test func `appends nothing where a system call failed`() {
        var buffer = FrameBuffer()
        buffer.append(9)
        #expect(throws: FramingError.missingContentLength) { try failingRead(&buffer) }
        #expect(Array(copying: buffer.span) == [9])
    }

    private func failingRead(_ buffer: inout FrameBuffer) throws(FramingError) {
        try unsafe buffer.withUnsafeFreeSpace(minimumCapacity: 1) { _ throws(FramingError) in
            throw .missingContentLength
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `agrees with an array over random operations`(seed: UInt64) {
        var random = Seeded(seed)
        var buffer = FrameBuffer()
        var model: [UInt8] = []
        var peak = 256
        for step in 0..<3000 {
            apply(Int.random(in: 0..<16, using: &random), to: &buffer, &model, &random)
            peak = max(peak, model.count)
            let same = Array(copying: buffer.span) == model && buffer.isEmpty == model.isEmpty
            guard same, buffer.byteCount == model.count, buffer.capacity <= 4 * peak else {
                Issue.record("seed \(seed), step \(step): capacity \(buffer.capacity), \(model.count) bytes")
                return
            }
        }
    }

    private func apply(
        _ operation: Int, to buffer: inout FrameBuffer, _ model: inout [UInt8], _ random: inout Seeded
    ) {
        let bytes = random.bytes(Int.random(in: 0...90, using: &random))
        switch operation {
        case 0...4:
            buffer.append(contentsOf: bytes.span)
            model += bytes
        case 5, 6:
            buffer.append(bytes.first ?? 0)
            model.append(bytes.first ?? 0)
        case 7, 8:
            unsafe buffer.withUnsafeFreeSpace(minimumCapacity: bytes.count) { space in
                unsafe space.copyBytes(from: bytes)
                return bytes.count
            }
            model += bytes
        case 9:
            buffer.append(bigEndian: UInt16(bytes.count))
            model += [0, UInt8(bytes.count)]
        case 10 where bytes.count < 3:
            buffer.removeAll(keepingCapacity: bytes.isEmpty)
            model = []
        default:
            let count = min(model.count, bytes.count * 2)
            buffer.removeFirst(count)
            model.removeFirst(count)
        }
    }
}
