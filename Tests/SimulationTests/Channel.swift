// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// One connection over a socket pair, a plain socket at its other end, and a model of what each has promised the other
/// so far.
final class Channel {
    let connection: PipeConnection
    let peer: RawPeer
    let framing: any MessageFraming
    /// Whether it may end because a budget is used up.
    private let hasBudget: Bool
    private let report: (String) -> Void
    private let history: (String) -> Void

    // The peer's sending: the stream, where each of its frames ends, and how much the kernel has taken.
    private var inbound: [UInt8] = []
    private var inboundMessages: [[UInt8]] = []
    private var inboundEnds: [Int] = []
    private var inboundWritten = 0
    private var endsInGarbage = false
    private var deliveredCount = 0

    // The connection's sending: every accepted message, as bytes.
    private var outbound: [UInt8] = []
    private var outboundEnds: [Int] = []
    private var checkedCount = 0

    // The actions on either end.
    private(set) var hasPeerFinished = false
    private(set) var isPeerClosed = false
    private var hasPeerStoppedReading = false
    private var wasClosed = false
    private var wasAborted = false
    private var wasFinished = false
    private(set) var isPaused = false

    // The delegate's callbacks.
    private(set) var isOpen = false
    private(set) var hasFinished = false
    private(set) var reason: DisconnectReason?
    private var owesDrain = false
    private var unsentAtFailure: Int?

    init(
        _ connection: PipeConnection, _ peer: RawPeer, _ framing: any MessageFraming, hasBudget: Bool,
        report: @escaping (String) -> Void, history: @escaping (String) -> Void
    ) {
        self.connection = connection
        self.history = history
        self.peer = peer
        self.framing = framing
        self.hasBudget = hasBudget
        self.report = report
    }

    private func problem(_ text: String) { report("\(connection.id): \(text)") }

    private func note(_ text: String) { history("\(connection.id) \(text)") }
}

// MARK: - The scheduler's actions on the peer

extension Channel {
    func peerPrepares(_ message: [UInt8]) throws {
        guard !endsInGarbage else { return }
        inbound += try framing.encoded(message.span)
        inboundMessages.append(message)
        inboundEnds.append(inbound.count)
    }

    /// Bytes that begin no frame of any framing used here; nothing sensible follows them.
    func peerPreparesGarbage() {
        guard !endsInGarbage else { return }
        endsInGarbage = true
        inbound += [UInt8](repeating: 0xFE, count: 80_000)
    }

    func peerWrites(atMost limit: Int) {
        guard !isPeerClosed, !hasPeerFinished else { return }
        let piece = inbound[inboundWritten...].prefix(limit)
        guard !piece.isEmpty else { return }
        let count = peer.write(piece)
        note("peer writes \(count) of \(piece.count)")
        inboundWritten += max(0, count)
    }

    var hasPeerWrittenAll: Bool { isPeerClosed || hasPeerFinished || inboundWritten == inbound.count }

    func peerReads(atMost limit: Int) {
        note("peer reads \(limit)")
        guard !isPeerClosed else { return }
        peer.read(atMost: limit)
        checkReceived()
    }

    /// Reads everything, also behind an ECONNRESET.
    func peerReadsAll() {
        guard !isPeerClosed else { return }
        for _ in 0..<2 {
            while let count = peer.read(atMost: 64 << 10), count > 0 {}
        }
        checkReceived()
    }

    func peerFinishes() {
        note("peer finishes")
        hasPeerFinished = true
        peer.finishWriting()
    }

    func peerStopsReading() {
        note("peer stops reading")
        hasPeerStoppedReading = true
        peer.finishReading()
    }

    func peerCloses() {
        note("peer closes")
        isPeerClosed = true
        peer.close()
    }

    private func checkReceived() {
        let fresh = checkedCount..<peer.received.count
        guard !fresh.isEmpty else { return }
        checkedCount = fresh.upperBound
        guard fresh.upperBound <= outbound.count,
            peer.received[fresh] == outbound[fresh]
        else { return problem("the peer read what was not sent") }
    }
}

// MARK: - The scheduler's actions on the connection

extension Channel {
    func send(_ message: Span<UInt8>) {
        note("send \(message.count)")
        let wasOpen = connection.isOpen
        let pending = connection.pendingByteCount
        do {
            let verdict = try connection.send(message)
            if !wasOpen { problem("a closed connection took a message") }
            guard verdict != .dropped else { return checkDrop(of: message, behind: pending) }
            outbound += try framing.encoded(message)
            outboundEnds.append(outbound.count)
            if verdict == .acceptedAboveHighWaterMark { owesDrain = true }
        } catch PipeError.notConnected {
            if wasOpen && connection.isOpen { problem("an open connection took no message") }
        } catch PipeError.sendQueueFull(let limit) {
            if limit != connection.endpoint.configuration.sendQueueLimit { problem("\(limit) is not the limit") }
            checkIsFull(for: message, behind: pending)
        } catch PipeError.budgetExceeded where hasBudget {
            note("no room")
        } catch {
            problem("send: \(error)")
        }
    }

    private func checkDrop(of message: Span<UInt8>, behind pending: Int) {
        note("dropped")
        if connection.endpoint.configuration.slowReaderPolicy != .dropNewest { problem("a message was dropped") }
        if !hasBudget { checkIsFull(for: message, behind: pending) }
    }

    private func checkIsFull(for message: Span<UInt8>, behind pending: Int) {
        let limit = connection.endpoint.configuration.sendQueueLimit
        let frame = try? framing.encoded(message)
        if pending + (frame?.count ?? 0) <= limit { problem("\(pending) bytes queued are not \(limit)") }
    }

    func finish() {
        note("finish")
        wasFinished = true
        connection.finishSending()
    }

    func close() {
        note("close")
        wasClosed = true
        connection.close()
    }

    func abort() {
        note("abort")
        wasAborted = true
        connection.abort()
    }

    func pause() {
        note("pause")
        isPaused = true
        connection.pauseReceiving()
    }

    func resume() {
        note("resume")
        isPaused = false
        connection.resumeReceiving()
    }
}

// MARK: - The delegate's callbacks

extension Channel {
    func didOpen() {
        if isOpen { problem("opened twice") }
        isOpen = true
    }

    func didReceive(_ message: [UInt8]) {
        note("received \(message.count)")
        if !isOpen || hasFinished || reason != nil { problem("a message out of order") }
        if wasClosed || wasAborted { problem("a message after the close") }
        if isPaused { problem("a message in the pause") }
        guard deliveredCount < inboundMessages.count, inboundEnds[deliveredCount] <= inboundWritten else {
            return problem("a message that nobody sent")
        }
        if inboundMessages[deliveredCount] != message { problem("message \(deliveredCount) is not what was sent") }
        deliveredCount += 1
    }

    func didDrain() {
        if !isOpen || reason != nil { problem("a drain out of order") }
        if !owesDrain { problem("a drain that nobody waits for") }
        if unsentAtFailure != nil { problem("a drain after the output has failed") }
        owesDrain = false
    }

    func didFailSending(_ unsentMessageCount: Int) {
        note("failed sending, \(unsentMessageCount) unsent")
        if !isOpen || reason != nil || unsentAtFailure != nil { problem("a failed output out of order") }
        if !isPeerClosed && !hasPeerStoppedReading { problem("the peer reads, and the output failed") }
        if connection.isOpen || connection.pendingByteCount != 0 { problem("a queue is kept that nobody will take") }
        unsentAtFailure = unsentMessageCount
    }

    func didFinishReceiving() {
        note("was finished")
        if !isOpen || hasFinished || reason != nil { problem("the peer's finish out of order") }
        if !hasPeerFinished && !isPeerClosed { problem("the peer has not finished") }
        if deliveredCount != wholeCount { problem("\(wholeCount - deliveredCount) messages lie before the end") }
        hasFinished = true
    }

    func didClose(_ reason: DisconnectReason) {
        note("ended: \(reason)")
        if !isOpen || self.reason != nil { problem("an end out of order") }
        self.reason = reason
        if !isLegal(reason) { problem("ended because \(reason)") }
        if !wasClosed, !wasAborted, deliveredCount != wholeCount, reason.kind != .budgetExceeded {
            problem("\(wholeCount - deliveredCount) messages lost, \(reason)")
        }
        checkSent()
    }

    /// The number of messages that the peer has given to the kernel as a whole.
    private var wholeCount: Int { inboundEnds.prefix { $0 <= inboundWritten }.count }

    private func isLegal(_ reason: DisconnectReason) -> Bool {
        switch reason {
        case .closedLocally: wasClosed || wasAborted
        case .closedByPeer: hasPeerFinished || isPeerClosed
        case .resetByPeer: isPeerClosed
        case .truncatedByPeer:
            (hasPeerFinished || isPeerClosed) && inboundWritten > 0 && !inboundEnds.contains(inboundWritten)
        // Only the owner's close is given up where the output is stuck; every other end keeps its own reason.
        case .slowReader: wasClosed
        case .budgetExceeded: hasBudget
        case .framing: endsInGarbage && inboundWritten > inboundEnds.last ?? 0
        default: false
        }
    }

    /// The peer has read every accepted message, or the message is reported as cut or unsent.
    private func checkSent() {
        peerReadsAll()
        let complete = outboundEnds.prefix { $0 <= peer.received.count }.count
        let unsent = connection.unsentMessageCount
        if let unsentAtFailure, unsentAtFailure != unsent { problem("\(unsent) unsent, and \(unsentAtFailure) before") }
        let cut = connection.hasPartlySentMessage ? 1 : 0
        let total = complete + cut + unsent
        if total > outboundEnds.count { problem("\(total) of \(outboundEnds.count) messages accounted for") }
        guard !isPeerClosed, !hasPeerStoppedReading else { return }
        if total != outboundEnds.count { problem("\(complete) + \(cut) + \(unsent) of \(outboundEnds.count) sent") }
        let isCut = peer.received.count > (complete > 0 ? outboundEnds[complete - 1] : 0)
        if isCut != (cut == 1) { problem("the peer's stream \(isCut ? "is" : "is not") cut") }
    }

    /// Whether nothing is left to do for either side, until one of them acts.
    var isSettled: Bool {
        if reason != nil { return true }
        let isWritten = connection.pendingByteCount == 0
        return hasPeerWrittenAll && deliveredCount == wholeCount && isWritten && !(owesDrain && connection.isOpen)
    }

    /// With everything read and nothing paused, neither side may have to wait for ever.
    func checkSettled() {
        guard !isSettled else { return }
        if owesDrain { problem("never drained") }
        problem("\(connection.pendingByteCount) bytes and \(wholeCount - deliveredCount) messages wait for nothing")
    }
}
