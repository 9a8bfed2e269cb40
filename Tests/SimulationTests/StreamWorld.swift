// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// A send queue, a kernel that takes any number of its bytes, and a reader that gets them in any pieces and stops
/// anywhere, against the plain list of messages. No socket is involved.
final class StreamWorld {
    static let framings: [any MessageFraming] = [
        LengthPrefixFraming(), LengthPrefixFraming(width: .two, byteOrder: .littleEndian), VarintFraming(),
        DelimiterFraming.newline, DelimiterFraming([0x0D, 0x0A]), ContentLengthFraming(),
        NetstringFraming(givesEnvelope: true),
    ]

    private let framing: any MessageFraming
    private var random: Seeded
    private var queue = SendQueue()
    private let buffers: ReactorBuffers
    private var problems: [String] = []

    // The model: everything that was accepted, as bytes, and where each frame ends.
    private var messages: [[UInt8]] = []
    private var stream: [UInt8] = []
    private var ends: [Int] = []
    private var writtenCount = 0
    private var deliveredCount = 0

    // What the kernel holds, and the reader's unfinished frame.
    private var wire: [UInt8] = []
    private var reassembly: ReassemblyBuffer?

    private init(_ seed: UInt64, _ buffers: ReactorBuffers) {
        random = Seeded(seed)
        framing = random.pick(Self.framings)
        self.buffers = buffers
    }

    static func run(_ seed: UInt64) throws -> [String] {
        let world = StreamWorld(seed, ReactorBuffers(try Reactor()))
        for _ in 0..<world.random.number(1...40) { try world.step() }
        while !world.queue.isEmpty { world.write(atMost: 1 << 16) }
        while !world.wire.isEmpty || world.reassembly?.mayHoldFrames == true { try world.read() }
        if world.deliveredCount != world.messages.count {
            world.problems.append("\(world.deliveredCount) of \(world.messages.count) messages arrived")
        }
        return world.problems
    }

    private func step() throws {
        switch random.number(0...5) {
        case 0, 1: try send()
        case 2, 3: write(atMost: random.pick([0, 1, 2, 5, 64, 4096, 1 << 16]))
        default: try read()
        }
        check()
    }

    private func send() throws {
        let message = Array(random.message().prefix(framing.maximumMessageByteCount))
        stream += try framing.encoded(message.span)
        messages.append(message)
        ends.append(stream.count)
        queue.messageCount += 1
        guard !message.isEmpty, random.isOne(of: 3) else { return try framing.encode(message.span, into: &queue.bytes) }
        let owner = SharedBuffer()
        owner.bytes.append(contentsOf: message.span)
        let isTaken = try unsafe owner.bytes.withUnsafeBytes { body in
            try unsafe queue.append(inPlace: body, owner, capacity: body.count) {
                try framing.encodeEnvelope(of: message.span, into: &$0)
            }
        }
        if !isTaken { problems.append("a framing gave no envelope") }
    }

    private func write(atMost limit: Int) {
        var rest = SendQueue()
        rest.append(unsentFramesOf: queue)
        let whole = writtenCount + queue.startedByteCount
        if Array(lent: rest.bytes.span)[...] != stream[whole...] { problems.append("the unsent frames are not those") }
        let count = min(limit, queue.byteCount)
        wire += stream[writtenCount...].prefix(count)
        writtenCount += count
        queue.didWrite(count, framing)
        if random.isOne(of: 8), queue.isContiguous { queue.trim() }
    }

    /// One read of any size, decoded to its end or until the reader has enough.
    private func read() throws {
        let count = min(wire.count, random.pick([0, 1, 3, 17, 1000, 70_000]))
        if reassembly == nil { reassembly = ReassemblyBuffer(buffers.pool) }
        guard let reassembly else { return }
        let piece = Array(wire[..<count])
        reassembly.append(piece.span, atMost: .max) { _ in true }
        wire.removeFirst(count)
        let limit = deliveredCount + random.number(1...5)
        let walk = try reassembly.memory.withBytes { bytes in
            try framing.scanFrames(in: bytes, scannedByteCount: reassembly.scannedByteCount) { message in
                deliver(Array(lent: message))
                return deliveredCount < limit
            }
        }
        reassembly.removeFirst(walk.consumedByteCount)
        reassembly.note(walk)
        if reassembly.byteCount == 0 {
            buffers.recycle(reassembly)
            self.reassembly = nil
        }
    }

    private func deliver(_ message: [UInt8]) {
        guard deliveredCount < messages.count, ends[deliveredCount] <= writtenCount else {
            return problems.append("a message that nobody sent")
        }
        if message != messages[deliveredCount] { problems.append("message \(deliveredCount) is not what was sent") }
        deliveredCount += 1
    }

    private func check() {
        let unsent = zip([0] + ends, ends).filter { $0.0 >= writtenCount }.count
        let started = (ends.first { $0 >= writtenCount } ?? writtenCount) - writtenCount
        let isBetween = writtenCount == 0 || ends.contains(writtenCount)
        if queue.byteCount != stream.count - writtenCount { problems.append("the queue's size is wrong") }
        if queue.startedByteCount != (isBetween ? 0 : started) { problems.append("the cut frame's rest is wrong") }
        let counted = queue.unsentMessageCount
        if counted != unsent { problems.append("\(counted) unsent messages instead of \(unsent)") }
    }
}
