// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What an async connection is on its reactor's thread: the connection below, what has arrived, and who waits for what.
///
/// It is the connection's ``PipeConnection/context``, so that a delegate finds it without a table.
final class AsyncConnectionState {
    let connection: PipeConnection
    /// Up to how many bytes wait here before reading pauses.
    private let unreadByteLimit: Int

    // Unchecked for overlapping accesses, as the other two lists below: nothing is called while they are changed, and the
    // checks took a quarter of a message's instructions.
    @safe @exclusivity(unchecked) private var inbox = MessageInbox()
    @safe @exclusivity(unchecked) private var charge = ByteCharge(for: .held)
    private var isPaused = false

    /// Nothing more arrives: the peer has finished, or the server is about to stop.
    private(set) var isInputFinished = false
    private(set) var endReason: DisconnectReason?
    /// The end was told to whoever asked for messages.
    var didReportEnd = false
    /// Messages are with a task elsewhere, which may give some of them back.
    private(set) var isLent = false
    /// Whoever asks for a message need not wait for one.
    var hasNothingMore: Bool { isInputFinished && !isLent }

    /// The send queue is above its high-water mark.
    private(set) var isFull = false

    private var lastTicket: WaitingTask.Ticket = 0
    /// While a handler runs.
    @safe @exclusivity(unchecked) var handlerTask: HandlerTask?
    @safe @exclusivity(unchecked) private var receivers = WaitingTasks()
    @safe @exclusivity(unchecked) private var senders = WaitingTasks()
    private var watchers = WaitingTasks()

    init(_ connection: PipeConnection) {
        self.connection = connection
        unreadByteLimit = connection.host.configuration.unreadByteLimit
    }

    /// Makes a connection usable for tasks. To be called as it opens.
    static func adopt(_ connection: PipeConnection) -> AsyncPipeConnection {
        // The delegate goes on using it here, while the actor has it too: both on the reactor's thread.
        nonisolated(unsafe) let state = AsyncConnectionState(connection)
        unsafe connection.context = state
        return unsafe AsyncPipeConnection(
            id: connection.id, peer: connection.peer, executor: connection.host.reactor.executor, state: state)
    }

    static func of(_ connection: PipeConnection) -> AsyncConnectionState {
        // Set by the same delegate before anything else happens on the connection.
        unsafe unsafeDowncast(connection.context.unsafelyUnwrapped, to: AsyncConnectionState.self)
    }

    // MARK: Receiving

    @inline(__always)
    func didReceive(_ message: Span<UInt8>) {
        let wasPaidFor = inbox.memoryByteCount
        inbox.append(message, from: connection)
        if inbox.memoryByteCount != wasPaidFor { payForInbox() }
        if inbox.byteCount >= unreadByteLimit, !isPaused {
            isPaused = true
            connection.pauseReceiving()
        }
        // It goes on from the mailbox, when the whole burst is here.
        receivers.wakeFirst()
    }

    private func payForInbox() {
        guard endReason == nil else { return }
        do throws(ExceededBudget) {
            try charge.adjust(to: inbox.memoryByteCount, connection.host.ledger, userID: connection.peer.userID)
        } catch {
            connection.beginClose(.budgetExceeded(error))
        }
    }

    /// Reads again, once everything is taken.
    private func goOn() {
        guard inbox.isEmpty else { return }
        charge.release()
        if isPaused, !isInputFinished {
            isPaused = false
            connection.resumeReceiving()
        }
    }

    func takeFirst() -> PipeMessage? {
        guard !isLent, let message = inbox.takeFirst() else { return nil }
        if inbox.isEmpty { goOn() }
        return message
    }

    /// Lends everything that waits to a task elsewhere, until ``putBack(_:)``.
    func lend() -> [PipeMessage] {
        isLent = true
        let all = inbox.takeAll()
        goOn()
        return all
    }

    /// Takes back what the task elsewhere has not used.
    func putBack(_ unused: [PipeMessage]) {
        isLent = false
        if !unused.isEmpty { inbox.putBack(unused) }
        if !inbox.isEmpty || isInputFinished { receivers.wakeFirst() }
    }

    func finishInput() {
        isInputFinished = true
        receivers.wakeAll()
    }

    // MARK: Sending

    /// Whether a message goes out without waiting for others.
    var canSendAtOnce: Bool { !isFull && senders.isEmpty }

    func send(_ body: (PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict) throws(PipeError)
        -> PipeConnection.SendVerdict
    {
        if let endReason { throw .disconnected(endReason) }
        let verdict = try body(connection)
        if verdict == .acceptedAboveHighWaterMark { isFull = true }
        return verdict
    }

    /// Whoever waited and goes on lets the next one go on.
    func senderDidFinish() {
        if !isFull { senders.wakeFirst() }
    }

    func didDrain() {
        isFull = false
        senders.wakeFirst()
    }

    // MARK: The end

    func didEnd(_ reason: DisconnectReason) {
        endReason = reason
        isInputFinished = true
        isFull = false
        // What still waits here belongs to the task from now on: the server's account closes with its connections.
        charge.release()
        receivers.wakeAll()
        senders.wakeAll()
        watchers.wakeAll()
    }

    // MARK: Waiting

    func nextTicket() -> WaitingTask.Ticket {
        lastTicket += 1
        return lastTicket
    }

    /// What a task waits for.
    enum Event {
        case message, room, end
    }

    /// Lets a task go on when that happens. It looks again then: another may have been faster.
    ///
    /// What the task has seen before may have changed by now, because any `await` may have let others run.
    func add(_ task: WaitingTask, for event: Event) {
        switch event {
        case .message where (isLent || inbox.isEmpty) && !hasNothingMore: receivers.add(task)
        case .room where isFull: senders.add(task)
        case .end where endReason == nil: watchers.add(task)
        default: task.goOn()
        }
    }

    func cancelWait(_ ticket: WaitingTask.Ticket) {
        receivers.cancel(ticket)
        senders.cancel(ticket)
        watchers.cancel(ticket)
    }
}
