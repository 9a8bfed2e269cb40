// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// The messages that a queue drops, against a list of its frames.
@Suite struct `A send queue that drops its oldest messages` {
    private static let framings: [any MessageFraming] = [
        LengthPrefixFraming(), VarintFraming(), DelimiterFraming.newline, ContentLengthFraming(),
        NetstringFraming(givesEnvelope: true), NetstringFraming(givesEnvelope: false),
    ]

    @Test(arguments: framings.indices, seeds(10))
    func `38 · keeps a message that was begun, and whole frames, in order, whatever the cuts`(index: Int, seed: UInt64)
        throws
    {
        let framing = Self.framings[index]
        var random = Seeded(seed)
        var queue = SendQueue()
        var frames: [[UInt8]] = []
        var writtenOfFirst = 0
        for _ in 0..<200 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let message = letters(.random(in: 0...900, using: &random), seed: .random(in: 0...99, using: &random))
                var frame = FrameBuffer()
                try framing.encode(message.span, into: &frame)
                frames.append(Array(lent: frame.span))
                try append(message, Bool.random(using: &random), to: &queue, framing)
                queue.messageCount += 1
            case 2:
                let count = Int.random(in: 0...queue.byteCount, using: &random)
                queue.didWrite(count, framing)
                writtenOfFirst += count
                while let first = frames.first, writtenOfFirst >= first.count {
                    writtenOfFirst -= first.count
                    frames.removeFirst()
                }
            default:
                let begun = writtenOfFirst > 0 ? 1 : 0
                let wanted = Int.random(in: 0...2000, using: &random)
                let limit = Int.random(in: 0...8, using: &random)
                #expect(queue.droppableByteCount == frames.dropFirst(begun).reduce(0) { $0 + $1.count })
                var freed = 0
                var count = 0
                while freed < wanted, count < limit, frames.count > begun {
                    freed += frames.remove(at: begun).count
                    count += 1
                }
                #expect(queue.dropOldest(freeing: wanted, atMost: limit, framing) == count)
            }
            #expect(bytes(of: queue) == Array(frames.joined().dropFirst(writtenOfFirst)))
            #expect(queue.unsentMessageCount == frames.count - (writtenOfFirst > 0 ? 1 : 0))
        }
    }

    private func append(
        _ message: [UInt8], _ isInPlace: Bool, to queue: inout SendQueue, _ framing: any MessageFraming
    ) throws {
        let owner = SharedBuffer()
        owner.bytes.append(contentsOf: message.span)
        var isDone = false
        if isInPlace {
            isDone = try unsafe owner.bytes.withUnsafeBytes { body in
                try unsafe queue.append(inPlace: body, owner, capacity: owner.bytes.capacity) {
                    output throws(FramingError) in
                    try framing.encodeEnvelope(of: unsafe Span<UInt8>(_unsafeBytes: body), into: &output)
                }
            }
        }
        if !isDone { try framing.encode(message.span, into: &queue.bytes) }
    }

    /// The bytes that the queue would write.
    private func bytes(of queue: borrowing SendQueue) -> [UInt8] {
        var all: [UInt8] = []
        unsafe queue.bytes.withUnsafeBytes { copied in
            var offset = 0
            for index in 0..<queue.segments.count {
                let segment = queue.segments[index]
                let end = queue.offset(of: segment)
                unsafe all.append(contentsOf: copied[offset..<end])
                unsafe all.append(
                    contentsOf: UnsafeRawBufferPointer(start: segment.start, count: segment.byteCount))
                offset = end
            }
            unsafe all.append(contentsOf: copied[offset...])
        }
        return all
    }
}
