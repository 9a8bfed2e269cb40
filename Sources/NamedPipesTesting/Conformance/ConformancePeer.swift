// SPDX-License-Identifier: Apache-2.0

/// The other end of a connection under test: what it has sent, as the connection must deliver it, and what it was sent.
final class ConformancePeer {
    private let end: MemoryEnd
    /// The stream of the connection under test.
    private let counterpart: MemoryEnd
    private let framing: any MessageFraming
    private var inbox: ScriptInbox
    private let replies: (any ConformanceReplies)?

    // What it sends, and how much of that is on its way: the stream, and where each message ends.
    private var outbox: [UInt8] = []
    private var takenByteCount = 0
    private var messages: [[UInt8]] = []
    private var messageEnds: [Int] = []
    private var isSpoilt = false

    private var isReading = true
    private var wantsToFinish = false
    private(set) var hasFinished = false
    private var deliveredCount = 0
    /// The problem of the received stream, if it does not consist of whole messages.
    private(set) var streamProblem: String?

    /// Whether the connection has ended because this peer had finished, without interference: then all requests are
    /// answered.
    var hasEndedInOrder = false

    /// - Parameter replies: looks at what comes back; nil where messages have no replies.
    init?(_ end: MemoryEnd, _ framing: any MessageFraming, _ replies: (any ConformanceReplies)?) {
        guard let counterpart = end.other else { return nil }
        self.end = end
        self.counterpart = counterpart
        self.framing = framing
        inbox = ScriptInbox(framing)
        self.replies = replies
        end.whenChanged = { [unowned self] in pump() }
    }

    deinit { end.close() }

    func isPeer(of connection: PipeConnection) -> Bool { counterpart.serves(connection) }

    // MARK: What it does

    func send(_ given: [UInt8]) {
        let message = replies?.numbered(given, messages.count) ?? given
        guard let frame = frame(of: message) else { return }
        outbox += frame
        messages.append(message)
        messageEnds.append(outbox.count)
        pump()
    }

    /// The half of a frame. Nothing follows it.
    func sendPart() {
        guard let frame = frame(of: Array("a part of a message".utf8)) else { return }
        isSpoilt = true
        outbox += frame.prefix(frame.count / 2)
        pump()
    }

    /// Nil for what the framing does not take, and where nothing more can be sent.
    private func frame(of message: [UInt8]) -> [UInt8]? {
        guard !isSpoilt, !wantsToFinish, !end.isClosed else { return nil }
        var frame = FrameBuffer()
        guard (try? framing.encode(message.span, into: &frame)) != nil else { return nil }
        return [UInt8](copying: frame.span)
    }

    func sendGarbage() {
        guard !isSpoilt, !wantsToFinish, !end.isClosed else { return }
        isSpoilt = true
        outbox += [UInt8](repeating: 0xFF, count: 64)
        pump()
    }

    func finish() {
        wantsToFinish = true
        pump()
    }

    func close() {
        hasFinished = true
        end.close()
    }

    func stopReading() { isReading = false }

    func readOn() {
        isReading = true
        pump()
    }

    /// Whether messages come out as they went in; raw bytes have no seams.
    private var keepsMessages: Bool { !(framing is RawFraming) }

    private func pump() {
        guard !end.isClosed else { return }
        while takenByteCount < outbox.count {
            let rest = Array(outbox[takenByteCount...])
            guard let count = take(rest) else { break }
            takenByteCount += count
        }
        if wantsToFinish, !hasFinished, takenByteCount == outbox.count || end.isPeerGone {
            hasFinished = true
            end.finishSending()
        }
        while isReading, let bytes = read() {
            do {
                try inbox.append(bytes.span)
                if let replies { while let reply = inbox.takeMessage() { replies.note(reply) } }
            } catch {
                streamProblem = "\(error)"
            }
        }
    }

    /// How much of it is taken; nil where nothing is now, or ever will be.
    private func take(_ bytes: [UInt8]) -> Int? {
        do {
            return try end.send(bytes.span)
        } catch {
            return nil
        }
    }

    /// The bytes that have arrived; nil if there are none now, or never will be. Behind a reset, the rest is still to
    /// be read.
    private func read() -> ArraySlice<UInt8>? {
        do {
            guard case .content(let bytes) = try end.receive(atMost: .max) else { return nil }
            return bytes
        } catch {
            return nil
        }
    }

    /// Whether it reads what it is sent.
    var isListening: Bool { isReading && !end.isClosed }

    // MARK: What the connection does

    /// The problem of the replies to all sent messages.
    var replyProblem: String? {
        replies?.problem(with: messages.prefix(wholeCount), areComplete: hasEndedInOrder && streamProblem == nil)
    }

    /// How many messages are with the connection as a whole.
    private var wholeCount: Int { messageEnds.prefix { $0 <= takenByteCount }.count }

    /// How many of them were not delivered yet.
    var missingCount: Int { keepsMessages ? max(wholeCount - deliveredCount, 0) : 0 }

    /// Takes note of a delivery. Returns what is wrong with it.
    func didDeliver(_ message: [UInt8]) -> String? {
        guard keepsMessages else { return nil }
        defer { deliveredCount += 1 }
        guard deliveredCount < wholeCount else { return "delivered a message that nobody sent" }
        return messages[deliveredCount] == message ? nil : "delivered another message than was sent"
    }

    /// Whether something is left of what it wants to say.
    var isHeldUp: Bool { !end.isClosed && !end.isPeerGone && takenByteCount < outbox.count }
}
