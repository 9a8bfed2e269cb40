// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import PipeReactor

/// One end of a connection in memory, in the role of a socket. It behaves as Linux does with a Unix socket, especially
/// at the end: bytes before errors; `ECONNRESET` once if the peer closed with unread bytes, then the end of the stream;
/// `EPIPE` for a write to a peer that is gone.
final class MemoryEnd {
    private(set) var link: MemoryLink?
    private let reactor: Reactor
    private weak var handler: (any ByteStreamHandler)?

    // Bytes that have arrived and were not read.
    private var inbox = ByteQueue()
    /// Whether no more bytes follow those.
    private(set) var isInputFinished = false
    private var isResetPending = false
    private(set) var isPeerGone = false
    private(set) var hasFinishedSending = false
    private(set) var isClosed = false

    private var isScheduled = false
    private var hasNewsOfHangUp = false

    /// Called in a later turn whenever something has changed, if there is no connection.
    var whenChanged: () -> Void = {}

    init(_ reactor: Reactor, _ link: MemoryLink) {
        self.reactor = reactor
        self.link = link
    }

    /// The end to which this one is connected.
    var other: MemoryEnd? { link?.other(than: self) }

    /// Whether it is the stream of a connection.
    func serves(_ connection: PipeConnection) -> Bool { handler === connection }

    /// How many bytes wait to be read.
    var unreadByteCount: Int { inbox.count }

    // MARK: What the link does

    func didArrive(_ bytes: ArraySlice<UInt8>) {
        guard !isClosed else { return }
        inbox.append(bytes)
        schedule()
    }

    func peerDidFinish() {
        isInputFinished = true
        schedule()
    }

    /// - Parameter isReset: whether something that this end sent is still unread.
    func peerDidClose(isReset: Bool) {
        isInputFinished = true
        isPeerGone = true
        isResetPending = isReset
        hasNewsOfHangUp = true
        schedule()
    }

    /// There may be room again.
    func schedule() {
        guard !isScheduled, !isClosed else { return }
        isScheduled = true
        reactor.runAtEndOfTurn(self)
    }
}

extension MemoryEnd: PipeTransport {
    func attach(to handler: any ByteStreamHandler) {
        self.handler = handler
        schedule()
    }

    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>> {
        guard let link, !link.stalls(at: self) else { return .wouldBlock }
        if inbox.count > 0 {
            let bytes = inbox.removeFirst(link.readLimit(count, at: self))
            link.didRead(self)
            return .content(bytes)
        }
        if isResetPending {
            isResetPending = false
            throw SystemError(call: "recv", code: ECONNRESET)
        }
        return isInputFinished ? .end : .wouldBlock
    }

    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        guard let link, !isPeerGone, !hasFinishedSending else { throw SystemError(call: "send", code: EPIPE) }
        return link.take(bytes, from: self)
    }

    func finishSending() {
        guard !hasFinishedSending else { return }
        hasFinishedSending = true
        link?.finish(from: self)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        handler = nil
        link?.close(from: self)
        link = nil
        whenChanged = {}
    }

    var hangUp: PeerHangUp? {
        if isPeerGone { return isResetPending ? .reset : .clean }
        return isInputFinished && hasFinishedSending ? .clean : nil
    }

    var hasUnreadOutput: Bool? { link?.hasUnread(from: self) ?? false }

    func interestDidChange() { schedule() }
}

extension MemoryEnd: TurnWork {
    private var hasInput: Bool { inbox.count > 0 || isInputFinished }

    /// Reports events as epoll does: input for as long as there is some, room once it is asked for, a hang-up once.
    func runInTurn() {
        isScheduled = false
        guard !isClosed else { return }
        guard let handler else { return whenChanged() }
        if handler.awaitsInput, hasInput {
            handler.handle(isInputFinished ? [.readable, .peerFinished] : .readable)
        }
        let isWritable = handler.awaitsOutput && (isPeerGone || link?.hasRoom(from: self) ?? false)
        if !isClosed, isWritable || (handler.awaitsHangUp && hasNewsOfHangUp) {
            hasNewsOfHangUp = false
            handler.handle(.writable)
        }
        if handler.awaitsInput && hasInput || handler.awaitsOutput && link?.hasRoom(from: self) ?? false {
            schedule()
        }
    }
}
