// SPDX-License-Identifier: Apache-2.0

/// The other end of a connection under test: what it has sent, as the connection must deliver it, and what it has
/// received.
final class ConformancePeer {
    private let end: any ConformanceEnd
    /// Recognizes the connection under test.
    private let recognizer: (PipeConnection) -> Bool
    private let framing: any MessageFraming
    private var inbox: ScriptInbox
    private let replies: (any ConformanceReplies)?

    // The stream that it sends, how much of it is on its way, and where each message ends.
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

    /// Whether the connection has ended because this peer had finished, without interference: then all requests must
    /// have been answered.
    var hasEndedInOrder = false

    /// - Parameter replies: checks the replies; nil if messages have no replies.
    init?(_ end: any ConformanceEnd, _ framing: any MessageFraming, _ replies: (any ConformanceReplies)?) {
        guard let recognizer = end.recognizer else { return nil }
        self.end = end
        self.recognizer = recognizer
        self.framing = framing
        inbox = ScriptInbox(framing)
        self.replies = replies
        end.whenChanged = { [unowned self] in pump() }
    }

    deinit { end.close() }

    func isPeer(of connection: PipeConnection) -> Bool { recognizer(connection) }

    // MARK: What it does

    func send(_ given: [UInt8]) {
        let message = replies?.numbered(given, messages.count) ?? given
        guard let frame = frame(of: message) else { return }
        outbox += frame
        messages.append(message)
        messageEnds.append(outbox.count)
        pump()
    }

    /// Sends half of a frame. Nothing follows it.
    func sendPart() {
        guard let frame = frame(of: Array("a part of a message".utf8)) else { return }
        isSpoilt = true
        outbox += frame.prefix(frame.count / 2)
        pump()
    }

    /// Nil for messages that the framing does not allow, and if nothing more can be sent.
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

    /// Whether messages keep their boundaries; raw bytes have none.
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

    /// How many bytes are taken; nil if none are taken now, or ever will be.
    private func take(_ bytes: [UInt8]) -> Int? {
        do {
            return try end.send(bytes.span)
        } catch {
            return nil
        }
    }

    /// The bytes that have arrived; nil if there are none now, or never will be. After a reset, the rest can still be
    /// read.
    private func read() -> ArraySlice<UInt8>? {
        do {
            guard case .content(let bytes) = try end.receive(atMost: .max) else { return nil }
            return bytes
        } catch {
            return nil
        }
    }

    /// Whether it reads.
    var isListening: Bool { isReading && !end.isClosed }

    // MARK: What the connection does

    /// The problem with the replies to all sent messages.
    var replyProblem: String? {
        replies?.problem(with: messages.prefix(wholeCount), areComplete: hasEndedInOrder && streamProblem == nil)
    }

    /// How many messages the connection has completely.
    private var wholeCount: Int { messageEnds.prefix { $0 <= takenByteCount }.count }

    /// How many of them were not delivered yet.
    var missingCount: Int { keepsMessages ? max(wholeCount - deliveredCount, 0) : 0 }

    /// Records a delivery. Returns the violation, or nil.
    func didDeliver(_ message: [UInt8]) -> String? {
        guard keepsMessages else { return nil }
        defer { deliveredCount += 1 }
        guard deliveredCount < wholeCount else { return "delivered a message that was not sent" }
        return messages[deliveredCount] == message ? nil : "delivered a message other than the one sent"
    }

    /// Whether it still has something to send.
    var isHeldUp: Bool { !end.isClosed && !end.isPeerGone && takenByteCount < outbox.count }
}
