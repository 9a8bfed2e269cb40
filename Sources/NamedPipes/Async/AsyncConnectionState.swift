// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

/// The state of an async connection on its reactor's thread: the connection below, the unread messages, and the waiting
/// tasks.
///
/// The connection has a place for it, so that a delegate finds it without a table.
final class AsyncConnectionState {
    let connection: PipeConnection
    /// The number of unread bytes above which reading pauses.
    private let unreadByteLimit: Int

    // Not checked for overlapping accesses, like the other lists below: nothing is called while they are changed, and
    // the checks took a quarter of a message's instructions.
    @safe @exclusivity(unchecked) private(set) var inbox = MessageInbox()
    @safe @exclusivity(unchecked) private var charge = ByteCharge(for: .held)
    private var isPaused = false
    /// Whether a budget had no room for a message that waits: until all are taken, nothing more is received.
    private var isUnpaid = false
    /// Whether the connection is in the receiving part of its turn; see ``receive(_:_:)``.
    var isReceiving = false
    /// The number of messages that have arrived in this turn while tasks waited for messages.
    var awaitedMessageCount = 0
    /// The read that a task may carry out in this turn.
    @safe @exclusivity(unchecked) var offeredRead: OfferedRead?

    private let lazyLent = AtomicLazyReference<LentMessages>()

    /// Messages that tasks on other threads take without a hop: the only part of this state that these tasks may use.
    /// Nil as long as there are no such tasks.
    var lent: LentMessages? { lazyLent.load() }

    /// Whether there may be a message in it.
    private var isLent = false
    // Its bytes at the last look.
    private var lentByteCount = 0
    private var lentMemoryByteCount = 0

    /// Whether more input arrives.
    enum Input {
        case open
        /// The server is being stopped; the peer may still send.
        case stopped
        /// The peer has finished, or this end has closed.
        case finished
    }

    private var input = Input.open
    private(set) var endReason: DisconnectReason?
    /// Whether the end was reported to a task that asked for messages.
    var didReportEnd = false
    /// Whether the owner wants queued messages dropped.
    var wasAborted = false

    /// The user's context, as in ``PipeConnection/context``.
    var context: AnyObject?

    // Used in AsyncConnectionState+Waiting.swift.
    var lastTicket: WaitingTask.Ticket = 0
    /// Present while a handler runs.
    @safe @exclusivity(unchecked) var handlerTask: HandlerTask?
    @safe @exclusivity(unchecked) var receivers = WaitingTasks()
    @safe @exclusivity(unchecked) var turns = SenderTurns()
    var watchers = WaitingTasks()

    init(_ connection: PipeConnection) {
        self.connection = connection
        unreadByteLimit = connection.endpoint.configuration.unreadByteLimit
    }

    /// Makes a connection usable by tasks. Called when it opens.
    static func adopt(_ connection: PipeConnection) -> AsyncPipeConnection {
        // The delegate continues to use it here, and so does the actor: both on the reactor's thread.
        nonisolated(unsafe) let state = AsyncConnectionState(connection)
        unsafe connection.companion = .tasks(state)
        connection.endpoint.servesTasks = true
        return unsafe AsyncPipeConnection(
            id: connection.id, peer: connection.peer, executor: connection.endpoint.reactor.executor, state: state)
    }

    static func of(_ connection: PipeConnection) -> AsyncConnectionState {
        // The same delegate has set it before anything else happened on the connection.
        guard case .tasks(let state) = connection.companion else { preconditionFailure("not an async connection") }
        return state
    }

    // MARK: Receiving

    @inline(__always)
    func didReceive(_ message: Span<UInt8>) {
        inbox.append(message, from: connection)
        didAppend()
    }

    func didReceive(_ message: Span<UInt8>, _ descriptors: inout ReceivedDescriptors) {
        inbox.append(inOwnMemory: connection.keep(message, descriptors: &descriptors))
        didAppend()
    }

    @inline(__always)
    private func didAppend() {
        if waitingByteCount >= unreadByteLimit, !isPaused { pauseIfFull() }
        // A task that waits probably takes it in this turn, so that nothing has to be charged for.
        if !receivers.isEmpty { awaitedMessageCount &+= 1 }
        if receivers.isEmpty || connection.endpoint.ledger.isTight, isChargeDue { settle() }
    }

    /// Whether the memory of the waiting messages is not what is charged for.
    private var isChargeDue: Bool { inbox.memoryByteCount &+ lentMemoryByteCount != charge.byteCount }

    private var waitingByteCount: Int { inbox.byteCount &+ lentByteCount }

    private func pauseIfFull() {
        // Tasks on other threads do not report each message that they take.
        if isLent { lentDidChange() }
        if waitingByteCount >= unreadByteLimit { pause() }
    }

    private func pause() {
        isPaused = true
        connection.pauseReceiving()
    }

    /// The receiving part of the turn is over: charges for what is still here.
    @inline(__always)
    func endReceiving() {
        isReceiving = false
        if isChargeDue || isPaused { settle() }
    }

    /// The charge for the memory of the waiting messages.
    var chargedByteCount: Int { charge.byteCount }

    /// Charges for the memory that is held now, and resumes reading once half of the unread bytes that are allowed are
    /// taken, or all, if a budget had no room for them.
    private func settle() {
        // The messages of a connection that is being detached stay charged for.
        guard endReason == nil, leaving == nil else { return }
        let count = inbox.memoryByteCount + lentMemoryByteCount
        let ledger = connection.endpoint.ledger
        do throws(ExceededBudget) {
            try charge.adjust(to: count, ledger, userID: connection.peer.userID)
        } catch {
            // The message is here already, and nothing of it may be lost.
            charge.follow(count, ledger, userID: connection.peer.userID)
            isUnpaid = true
            pause()
        }
        guard isPaused, input == .open, isUnpaid ? count == 0 : waitingByteCount <= unreadByteLimit / 2 else { return }
        isPaused = false
        isUnpaid = false
        connection.resumeReceiving()
    }

    /// The first waiting message, wherever it is.
    @inline(__always)
    func takeFirst() -> PipeMessage? {
        if isLent, let message = takeLent() { return message }
        guard let message = inbox.takeFirst(recyclingTo: connection.endpoint.buffers) else { return nil }
        if !isReceiving, isChargeDue { settle() }
        return message
    }

    private func takeLent() -> PipeMessage? {
        defer { lentDidChange() }
        return lent?.takeFirst()?.message
    }

    /// The messages that leave with the connection; nil unless it is being detached.
    var leaving: [PipeMessage]?

    /// Takes all waiting messages out. They stay charged for.
    func takeAll() -> [PipeMessage] {
        var messages: [PipeMessage] = []
        let buffers = connection.endpoint.buffers
        while let message = lent?.takeFirst()?.message ?? inbox.takeFirst(recyclingTo: buffers) {
            messages.append(message)
        }
        return messages
    }

    /// Makes messages that were taken out available again, as the only ones that wait.
    func putBack(_ messages: [PipeMessage]) {
        guard !messages.isEmpty else { return }
        for message in messages { inbox.append(inOwnMemory: message) }
        if isLent { lentDidChange() } else { settle() }
        receivers.wakeAll()
    }

    /// Lends all waiting messages to the tasks on other threads.
    func lend() {
        guard !inbox.isEmpty else { return }
        (lent ?? lazyLent.storeIfNil(LentMessages())).append(&inbox)
        lentDidChange()
    }

    /// Called when tasks on other threads have taken much of what was lent, or all.
    func lentDidChange() {
        (lentByteCount, lentMemoryByteCount) = lent?.look() ?? (0, 0)
        isLent = lentByteCount > 0
        settle()
    }

    var isNothingLent: Bool {
        if isLent { lentDidChange() }
        return !isLent
    }

    /// Whether nothing more arrives; waiting messages may still be taken.
    var isInputFinished: Bool { input != .open }

    /// Whether the messages have ended because the server is being stopped.
    var canResumeReceiving: Bool { input == .stopped && endReason == nil }

    func finishInput(_ finished: Input) {
        if input != .finished { input = finished }
        receivers.wakeAll()
    }

    func resumeReceiving() {
        guard canResumeReceiving else { return }
        input = .open
        // The connection has been paused since the server was told to stop.
        isPaused = true
        settle()
    }

    // MARK: Sending

    /// Whether a message can be sent without waiting for others.
    var canSendAtOnce: Bool { turns.isFree }

    @inline(__always)
    func send(_ body: (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict) throws(PipeError)
        -> PipeConnection.SendVerdict
    {
        if let endReason { throw .disconnected(endReason) }
        let verdict = try body(connection)
        if verdict == .acceptedAboveHighWaterMark { turns.queueIsFull() }
        return verdict
    }

    /// When a task that waited for its turn has finished it, the next one resumes.
    func endTurn() { turns.endTurn() }

    func didDrain() { turns.queueIsFree() }

    // MARK: The end

    /// This end sends no more, because it was closed or the peer reads no more: tasks that wait for room are told now.
    func outputDidEnd() {
        if !connection.isOpen { turns.queueIsFree() }
    }

    func didEnd(_ reason: DisconnectReason) {
        endReason = reason
        if let leaving = leaving.take(), reason != .detached { putBack(leaving) }
        // The messages that still wait here belong to the task from now on: the server's account closes with its
        // connections.
        charge.release()
        finishInput(.finished)
        turns.queueIsFree()
        watchers.wakeAll()
    }
}
