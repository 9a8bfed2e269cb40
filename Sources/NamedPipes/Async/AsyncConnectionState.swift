// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The state of an async connection on its reactor's thread: the connection below, the unread messages, and the waiting
/// tasks.
///
/// It has a place of its own in the connection, so that a delegate finds it without a table.
final class AsyncConnectionState {
    let connection: PipeConnection
    /// Up to how many bytes wait here before reading pauses.
    private let unreadByteLimit: Int

    // Unchecked for overlapping accesses, as the other lists below: nothing is called while they are changed, and the
    // checks took a quarter of a message's instructions.
    @safe @exclusivity(unchecked) private var inbox = MessageInbox()
    @safe @exclusivity(unchecked) private var charge = ByteCharge(for: .unread)
    private var isPaused = false

    /// Messages that tasks on other threads take without a hop: the only part of this state that they may use.
    let lent = LentMessages()
    /// There may be something in it.
    private var isLent = false
    // What was in it when it was looked at last.
    private var lentByteCount = 0
    private var lentMemoryByteCount = 0

    /// Whether more arrives.
    enum Input {
        case open
        /// The server is being stopped; the peer may have more to say.
        case stopped
        /// The peer has finished, or this end has closed.
        case finished
    }

    private var input = Input.open
    private(set) var endReason: DisconnectReason?
    /// The end was reported to a task that asked for messages.
    var didReportEnd = false
    /// The owner wants queued messages dropped.
    var wasAborted = false

    /// The user's, as ``PipeConnection/context``.
    var context: AnyObject?

    private var lastTicket: WaitingTask.Ticket = 0
    /// While a handler runs.
    @safe @exclusivity(unchecked) var handlerTask: HandlerTask?
    @safe @exclusivity(unchecked) private var receivers = WaitingTasks()
    @safe @exclusivity(unchecked) private var turns = SenderTurns()
    private var watchers = WaitingTasks()

    init(_ connection: PipeConnection) {
        self.connection = connection
        unreadByteLimit = connection.endpoint.configuration.unreadByteLimit
    }

    /// Makes a connection usable for tasks. To be called as it opens.
    static func adopt(_ connection: PipeConnection) -> AsyncPipeConnection {
        // The delegate goes on using it here, while the actor has it too: both on the reactor's thread.
        nonisolated(unsafe) let state = AsyncConnectionState(connection)
        unsafe connection.companion = .tasks(state)
        return unsafe AsyncPipeConnection(
            id: connection.id, peer: connection.peer, executor: connection.endpoint.reactor.executor, state: state)
    }

    static func of(_ connection: PipeConnection) -> AsyncConnectionState {
        // Set by the same delegate before anything else happens on the connection.
        guard case .tasks(let state) = connection.companion else { preconditionFailure("not an async connection") }
        return state
    }

    // MARK: Receiving

    @inline(__always)
    func didReceive(_ message: Span<UInt8>) {
        inbox.append(message, from: connection)
        if inbox.memoryByteCount &+ lentMemoryByteCount != charge.byteCount { settle() }
        if waitingByteCount >= unreadByteLimit, !isPaused { pauseIfFull() }
        // It goes on from the mailbox, when the whole burst is here.
        receivers.wakeFirst()
    }

    private var waitingByteCount: Int { inbox.byteCount &+ lentByteCount }

    private func pauseIfFull() {
        // Tasks elsewhere do not tell of each message that they take.
        if isLent { lentDidChange() }
        guard waitingByteCount >= unreadByteLimit else { return }
        isPaused = true
        connection.pauseReceiving()
    }

    /// Charges for the memory that is held now, and reads again once half of what may wait is taken.
    private func settle() {
        guard endReason == nil else { return }
        do throws(ExceededBudget) {
            let count = inbox.memoryByteCount + lentMemoryByteCount
            try charge.adjust(to: count, connection.endpoint.ledger, userID: connection.peer.userID)
        } catch {
            return connection.beginClose(.budgetExceeded(error))
        }
        guard isPaused, input == .open, waitingByteCount <= unreadByteLimit / 2 else { return }
        isPaused = false
        connection.resumeReceiving()
    }

    /// The first message that waits, wherever it does.
    @inline(__always)
    func takeFirst() -> PipeMessage? {
        if isLent, let message = takeLent() { return message }
        guard let message = inbox.takeFirst() else { return nil }
        if inbox.memoryByteCount &+ lentMemoryByteCount != charge.byteCount { settle() }
        return message
    }

    private func takeLent() -> PipeMessage? {
        defer { lentDidChange() }
        return lent.takeFirst()?.message
    }

    /// Lends everything that waits to the tasks elsewhere.
    func lend() {
        guard !inbox.isEmpty else { return }
        lent.append(&inbox)
        lentDidChange()
    }

    /// Tasks elsewhere have taken much of what was lent, or all.
    func lentDidChange() {
        (lentByteCount, lentMemoryByteCount) = lent.look()
        isLent = lentByteCount > 0
        settle()
    }

    /// Whether nothing more arrives; what waits may still be taken.
    var isInputFinished: Bool { input != .open }

    /// The messages have ended because the server is being stopped.
    var canResumeReceiving: Bool { input == .stopped && endReason == nil }

    func finishInput(_ finished: Input) {
        if input != .finished { input = finished }
        receivers.wakeAll()
    }

    func resumeReceiving() {
        guard canResumeReceiving else { return }
        input = .open
        // The connection is paused since the server was told to stop.
        isPaused = true
        settle()
    }

    // MARK: Sending

    /// Whether a message goes out without waiting for others.
    var canSendAtOnce: Bool { turns.isFree }

    func send(_ body: (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict) throws(PipeError)
        -> PipeConnection.SendVerdict
    {
        if let endReason { throw .disconnected(endReason) }
        let verdict = try body(connection)
        if verdict == .acceptedAboveHighWaterMark { turns.queueIsFull() }
        return verdict
    }

    /// A task that waited for its turn resumes the next one.
    func endTurn() { turns.endTurn() }

    func didDrain() { turns.queueIsFree() }

    // MARK: The end

    /// This end sends no more, because it was closed or the peer reads no more: tasks that wait for room are told now.
    func outputDidEnd() {
        if !connection.isOpen { turns.queueIsFree() }
    }

    func didEnd(_ reason: DisconnectReason) {
        endReason = reason
        // What still waits here belongs to the task from now on: the server's account closes with its connections.
        charge.release()
        finishInput(.finished)
        turns.queueIsFree()
        watchers.wakeAll()
    }

    // MARK: Waiting

    func nextTicket() -> WaitingTask.Ticket {
        lastTicket += 1
        return lastTicket
    }

    /// The purpose of a task's wait.
    enum Event {
        case message, turn, end
    }

    /// Lets a task go on when that happens. With a message, it looks again then: another may have been faster.
    ///
    /// What the task has seen before may have changed by now, because any `await` may have let others run.
    func add(_ task: WaitingTask, for event: Event) {
        connection.endpoint.assertOwner()
        switch event {
        case .message where inbox.isEmpty && isNothingLent && !isInputFinished: receivers.add(task)
        case .turn: turns.wait(task)
        case .end where endReason == nil: watchers.add(task)
        case .message, .end: task.goOn()
        }
    }

    private var isNothingLent: Bool {
        if isLent { lentDidChange() }
        return !isLent
    }

    func cancelWait(_ ticket: WaitingTask.Ticket) {
        receivers.cancel(ticket)
        turns.cancel(ticket)
        watchers.cancel(ticket)
    }
}
