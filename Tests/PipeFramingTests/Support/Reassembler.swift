// SPDX-License-Identifier: Apache-2.0
import PipeFraming

/// A connection's receiving half without the connection: keeps what is unfinished, and the framing's hint for it.
struct Reassembler: ~Copyable {
    private let framing: any MessageFraming
    private var unread = FrameBuffer()
    private var scannedByteCount = 0
    private var awaitedByteCount = 1

    init(_ framing: any MessageFraming) {
        self.framing = framing
    }

    var unfinishedByteCount: Int { unread.byteCount }

    /// Takes the bytes of one read and returns the messages that they complete.
    mutating func receive(_ bytes: ArraySlice<UInt8>, into messages: inout [[UInt8]]) throws(FramingError) {
        unread.append(contentsOf: bytes.span)
        guard unread.byteCount >= awaitedByteCount else { return }
        let walk = try framing.scanFrames(in: unread.span, scannedByteCount: scannedByteCount) { message in
            messages.append(Array(copying: message))
            return true
        }
        unread.removeFirst(walk.consumedByteCount)
        scannedByteCount = walk.scannedByteCount
        awaitedByteCount = walk.frameByteCount ?? unread.byteCount + 1
    }
}

/// What came out of a stream: the messages, and how it ended.
struct Outcome: Hashable {
    var messages: [[UInt8]] = []
    var error: FramingError?
    var unfinishedByteCount = 0
}

extension MessageFraming {
    /// What a reader gets that sees `stream` in pieces, cut at the ascending positions `cuts`.
    func outcome(of stream: [UInt8], cutAt cuts: [Int] = []) -> Outcome {
        var reassembler = Reassembler(self)
        var outcome = Outcome()
        var start = 0
        do throws(FramingError) {
            for end in cuts + [stream.count] {
                try reassembler.receive(stream[start..<end], into: &outcome.messages)
                start = end
            }
            outcome.unfinishedByteCount = reassembler.unfinishedByteCount
        } catch {
            outcome.error = error
        }
        return outcome
    }

    /// The frames of `messages`, one behind the other.
    func encoded(_ messages: [UInt8]...) throws(FramingError) -> [UInt8] {
        try encoded(messages)
    }

    func encoded(_ messages: [[UInt8]]) throws(FramingError) -> [UInt8] {
        var output = FrameBuffer()
        for message in messages { try encode(message.span, into: &output) }
        return Array(copying: output.span)
    }

    /// The verdict on `bytes` as the beginning of a stream.
    func scan(_ bytes: [UInt8], scannedByteCount: Int = 0) throws(FramingError) -> FrameScan {
        try nextFrame(in: bytes.span, scannedByteCount: scannedByteCount)
    }
}

extension Array where Element == UInt8 {
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }

    init(_ text: String) {
        self = Array(text.utf8)
    }
}
