// SPDX-License-Identifier: Apache-2.0

/// The receiving half of a connection, without the connection: keeps the partial frame and the framing's hint for it.
package struct Reassembler: ~Copyable {
    private let framing: any MessageFraming
    private var unread = FrameBuffer()
    private var scannedByteCount = 0
    private var awaitedByteCount = 1

    package init(_ framing: any MessageFraming) {
        self.framing = framing
    }

    package var unfinishedByteCount: Int { unread.byteCount }

    /// Takes the bytes of one read and returns the messages that they complete.
    package mutating func receive(_ bytes: ArraySlice<UInt8>, into messages: inout [[UInt8]]) throws(FramingError) {
        unread.append(contentsOf: bytes.span)
        guard unread.byteCount >= awaitedByteCount else { return }
        let walk = try framing.scanFrames(in: unread.span, scannedByteCount: scannedByteCount) { message in
            messages.append(Array(lent: message))
            return true
        }
        unread.removeFirst(walk.consumedByteCount)
        scannedByteCount = walk.scannedByteCount
        awaitedByteCount = walk.frameByteCount ?? unread.byteCount + 1
    }
}

/// The outcome of a stream: the messages, and the way it ended.
package struct Outcome: Hashable {
    package var messages: [[UInt8]]
    package var error: FramingError?
    package var unfinishedByteCount: Int

    package init(messages: [[UInt8]] = [], error: FramingError? = nil, unfinishedByteCount: Int = 0) {
        self.messages = messages
        self.error = error
        self.unfinishedByteCount = unfinishedByteCount
    }
}

extension MessageFraming {
    /// What a reader gets that sees `stream` in pieces, cut at the ascending positions `cuts`.
    package func outcome(of stream: [UInt8], cutAt cuts: [Int] = []) -> Outcome {
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

    /// The frames of `messages`, one after the other.
    package func encoded(_ messages: [UInt8]...) throws(FramingError) -> [UInt8] {
        try encoded(messages)
    }

    package func encoded(_ messages: [[UInt8]]) throws(FramingError) -> [UInt8] {
        var output = FrameBuffer()
        for message in messages { try encode(message.span, into: &output) }
        return Array(lent: output.span)
    }
}
