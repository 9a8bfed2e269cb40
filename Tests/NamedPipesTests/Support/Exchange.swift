// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

extension RawPeer {
    /// Writes a stream and reads what comes back, both in pieces of random sizes, until the condition holds. False if
    /// it never does.
    func exchange(
        _ stream: [UInt8] = [], until condition: () -> Bool, pieces: ClosedRange<Int>, seed: UInt64 = 1, _ loop: Loop
    ) -> Bool {
        var random = Seeded(seed)
        var position = 0
        return loop.poll {
            let end = min(stream.count, position + Int.random(in: pieces, using: &random))
            if position < end { position += max(0, write(stream[position..<end])) }
            read(atMost: Int.random(in: pieces, using: &random))
            return position == stream.count && condition()
        }
    }

    /// Reads in pieces of random sizes until `count` bytes have come.
    func receive(_ count: Int, pieces: ClosedRange<Int> = 1...50_000, _ loop: Loop) -> Bool {
        exchange(until: { received.count >= count }, pieces: pieces, loop)
    }
}

extension MessageFraming {
    /// The messages in a stream of whole frames.
    func messages(in stream: [UInt8]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        _ = try? scanFrames(in: stream.span, scannedByteCount: 0) { message in
            messages.append(Array(lent: message))
            return true
        }
        return messages
    }

    /// The frames of messages, one after the other.
    func stream(of messages: [[UInt8]]) throws -> [UInt8] {
        var output = FrameBuffer()
        for message in messages { try encode(message.span, into: &output) }
        return Array(lent: output.span)
    }
}

extension PipeConnection {
    /// Fills the kernel's buffer with messages, until it takes no more and every further byte stays here.
    func fillKernel(_ loop: Loop) throws {
        while pendingByteCount == 0 {
            try send(letters(4000))
            loop.settle()
        }
    }
}

/// Borrowed memory, which is overwritten as soon as it was lent.
func withPassingMemory<Result>(_ bytes: [UInt8], _ use: (Span<UInt8>) throws -> Result) rethrows -> Result {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    unsafe memory.copyBytes(from: bytes)
    defer {
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xEE)
        unsafe memory.deallocate()
    }
    return try use(unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(memory)))
}
