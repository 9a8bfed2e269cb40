// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// A send queue whose large messages stay in their own memory, against a list of frames.
@Suite struct `A send queue with messages in place` {
    static let framings: [any MessageFraming] = [
        LengthPrefixFraming(), LengthPrefixFraming(width: .two, byteOrder: .littleEndian), VarintFraming(),
        DelimiterFraming.newline, DelimiterFraming([0x0D, 0x0A]), ContentLengthFraming(),
        NetstringFraming(givesEnvelope: true),
    ]

    @Test(arguments: framings.indices, seeds(6))
    func `sends exactly the frames that were appended, whatever the cuts`(index: Int, seed: UInt64) throws {
        let trial = try QueueTrial(Self.framings[index], seed)
        for _ in 0..<150 {
            try trial.fill()
            try trial.check()
            try trial.drain()
            try trial.check()
        }
    }

    @Test func `keeps messages from borrowed memory when that is overwritten`() throws {
        let buffers = ReactorBuffers(try Reactor())
        var queue = SendQueue()
        var bodies = [letters(20_000, seed: 1), letters(30_000, seed: 2)]
        let expected = bodies
        for index in bodies.indices {
            unsafe bodies[index].withUnsafeMutableBytes { body in
                let isTaken = unsafe queue.append(inPlace: UnsafeRawBufferPointer(body), nil, capacity: body.count) {
                    _ in FrameEnvelope()
                }
                #expect(isTaken)
                queue.adoptBorrowed(buffers)
                // A second time, which changes nothing.
                queue.adoptBorrowed(buffers)
                unsafe body.initializeMemory(as: UInt8.self, repeating: 0xEE)
            }
        }
        var copy = SendQueue()
        copy.append(unsentFramesOf: queue)
        #expect(Array(lent: copy.bytes.span) == expected[0] + expected[1])
    }

    @Test func `takes nothing where the framing gives no envelope or refuses`() throws {
        var queue = SendQueue()
        try LengthPrefixFraming().encode(pattern(10).span, into: &queue.bytes)
        unsafe pattern(20_000).withUnsafeBytes { body in
            let isTaken = unsafe queue.append(inPlace: body, nil, capacity: body.count) { _ in nil }
            #expect(!isTaken)
            #expect(throws: FramingError.overlongVarint) {
                _ = try unsafe queue.append(inPlace: body, nil, capacity: body.count) { _ throws(FramingError) in
                    throw .overlongVarint
                }
            }
        }
        #expect(queue.byteCount == 14 && queue.isContiguous && queue.segments.isEmpty)
    }

    @Test func `holds a message's memory until its last byte was written, and no longer`() throws {
        var queue = SendQueue()
        var owner: SharedBuffer? = SharedBuffer()
        weak let seen = owner
        owner?.bytes.append(contentsOf: letters(20_000).span)
        try append(try #require(owner), to: &queue)
        owner = nil
        queue.didWrite(4 + 19_999, LengthPrefixFraming())
        #expect(seen != nil)
        #expect(queue.byteCount == 1 && queue.startedByteCount == 1)
        queue.didWrite(1, LengthPrefixFraming())
        #expect(seen == nil)
        #expect(queue.isEmpty && queue.segments.isEmpty)
    }

    private func append(_ owner: SharedBuffer, to queue: inout SendQueue) throws {
        try unsafe owner.bytes.withUnsafeBytes { body in
            _ = try unsafe queue.append(inPlace: body, owner, capacity: body.count) { output throws(FramingError) in
                let message = unsafe Span<UInt8>(_unsafeBytes: body)
                return try LengthPrefixFraming().encodeEnvelope(of: message, into: &output)
            }
        }
    }
}

/// A queue under test, and beside it the list of its frames.
@safe
private final class QueueTrial {
    private let framing: any MessageFraming
    private var random: Seeded
    private static let text = letters(13_030)
    private let buffers: ReactorBuffers
    // The queue's output is sent here, so that the test sees it.
    private let near: RawPeer
    private let far: RawPeer
    private var queue = SendQueue()

    private var frames: [[UInt8]] = []
    private var writtenOfFirst = 0
    // Stands for the receive buffer, and is overwritten like it.
    private let borrowed: UnsafeMutableRawBufferPointer
    private var borrowedCount = 0
    private static let borrowedSize = 64 << 10

    init(_ framing: any MessageFraming, _ seed: UInt64) throws {
        self.framing = framing
        random = Seeded(seed)
        buffers = ReactorBuffers(try Reactor())
        (near, far) = try RawPeer.pair()
        unsafe borrowed = .allocate(byteCount: Self.borrowedSize, alignment: 16)
    }

    deinit { unsafe borrowed.deallocate() }

    /// Up to five messages of any kind.
    func fill() throws {
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let size = [0, 1, 5, 200, 3000, 9000].randomElement(using: &random) ?? 0
            let start = Int.random(in: 0..<4000, using: &random)
            let message = Array(Self.text[start..<(start + size + Int.random(in: 0...30, using: &random))])
            var frame = FrameBuffer()
            try framing.encode(message.span, into: &frame)
            frames.append(Array(lent: frame.span))
            try append(message)
            queue.messageCount += 1
        }
    }

    private func append(_ message: [UInt8]) throws {
        switch Int.random(in: 0..<6, using: &random) {
        case 0 where !message.isEmpty && borrowedCount + message.count <= Self.borrowedSize:
            let free = borrowedCount..<(borrowedCount + message.count)
            let place = unsafe UnsafeMutableRawBufferPointer(rebasing: borrowed[free])
            unsafe place.copyBytes(from: message)
            borrowedCount += message.count
            let body = UnsafeRawBufferPointer(place)
            try unsafe insert(body, nil)
        case 1 where !message.isEmpty:
            let owner = SharedBuffer()
            owner.bytes.append(contentsOf: message.span)
            try unsafe owner.bytes.withUnsafeBytes { try unsafe insert($0, owner) }
        case 2:
            // As a broadcast does it.
            let owner = SharedBuffer()
            let frame = frames[frames.count - 1]
            owner.bytes.append(contentsOf: frame.span)
            let isTaken = unsafe owner.bytes.withUnsafeBytes { body in
                unsafe queue.append(inPlace: body, owner, capacity: body.count) { _ in FrameEnvelope() }
            }
            #expect(isTaken)
        default:
            try framing.encode(message.span, into: &queue.bytes)
        }
    }

    private func insert(_ body: UnsafeRawBufferPointer, _ owner: SharedBuffer?) throws {
        let isTaken = try unsafe queue.append(inPlace: body, owner, capacity: body.count) {
            output throws(FramingError) in
            let message = unsafe Span<UInt8>(_unsafeBytes: body)
            return try framing.encodeEnvelope(of: message, into: &output)
        }
        #expect(isTaken)
    }

    /// A gathered write of which the kernel takes any part. Borrowed memory lasts only until its end.
    func drain() throws {
        if !queue.isEmpty, Int.random(in: 0..<4, using: &random) > 0 { try write() }
        queue.adoptBorrowed(buffers)
        unsafe borrowed.initializeMemory(as: UInt8.self, repeating: 0xEE)
        borrowedCount = 0
        if Bool.random(using: &random) { queue.trim() }
    }

    private func write() throws {
        let sent = try #require(try Socket.send(near.descriptor) { queue.gather(into: &$0) })
        #expect(far.read(atMost: sent) == sent)
        let seen = Array(far.received.suffix(sent))
        #expect(sent > 0 && seen == Array(unsent.prefix(sent)))
        // Often all bytes, often just up to or past a border.
        var count = Int.random(in: 0...sent, using: &random)
        if let first = frames.first, Bool.random(using: &random) {
            count = min(sent, max(0, first.count - writtenOfFirst + Int.random(in: -2...2, using: &random)))
        }
        if Int.random(in: 0..<4, using: &random) == 0 { count = sent }
        if count == queue.byteCount, Bool.random(using: &random) {
            queue.clearSegments()
            queue.clear()
        } else {
            queue.didWrite(count, framing)
        }
        note(count)
    }

    private func note(_ count: Int) {
        writtenOfFirst += count
        while let first = frames.first, writtenOfFirst >= first.count {
            writtenOfFirst -= first.count
            frames.removeFirst()
        }
    }

    private var unsent: ArraySlice<UInt8> { stream(of: frames[...])[writtenOfFirst...] }

    private func stream(of frames: ArraySlice<[UInt8]>) -> [UInt8] {
        frames.reduce(into: []) { $0.append(contentsOf: $1) }
    }

    func check() throws {
        let isCut = writtenOfFirst > 0
        #expect(queue.byteCount == unsent.count)
        #expect(queue.isEmpty == frames.isEmpty)
        #expect(queue.startedByteCount == (isCut ? frames[0].count - writtenOfFirst : 0))
        #expect(queue.unsentMessageCount == frames.count - (isCut ? 1 : 0))
        var kept = SendQueue()
        kept.append(unsentFramesOf: queue)
        #expect(Array(lent: kept.bytes.span) == stream(of: frames.dropFirst(isCut ? 1 : 0)))
        #expect(kept.isContiguous && kept.startedByteCount == 0)
    }
}
