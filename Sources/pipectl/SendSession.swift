// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// Sends messages one after the other, no faster than they are taken, and knows at the end what became of each.
final class SendSession: PipeClientDelegate {
    struct Plan {
        /// The messages; nil for the lines of standard input.
        var messages: [[UInt8]]?
        var awaitsReplies: Bool
        var style: MessageStyle
        /// How long to wait for a server that does nothing; nil is for ever.
        var timeout: Duration?
        var log: ClientLog
    }

    private let reactor: Reactor
    private let plan: Plan
    /// Sent with the first message.
    private var descriptors: OutgoingDescriptors
    private var client: PipeClient?
    private var access: Access?
    private var connection: PipeConnection?
    private var input: LineInput?
    private var failure: Failure?

    // The messages still to be sent.
    private var waiting: [[UInt8]].SubSequence
    private var isInputAtEnd: Bool

    // How many messages were sent.
    private var sentCount = 0
    private var replyCount = 0
    private var isCongested = false
    private var lastProgress = SuspendingClock.now
    private var lastPendingByteCount = 0

    init(_ reactor: Reactor, _ plan: Plan, _ descriptors: consuming OutgoingDescriptors) {
        self.reactor = reactor
        self.plan = plan
        self.descriptors = descriptors
        waiting = plan.messages?[...] ?? []
        isInputAtEnd = plan.messages != nil
    }

    /// Returns when everything is done.
    func run(to destination: Destination, _ configuration: PipeClient.Configuration) throws {
        if plan.messages == nil {
            let limit = configuration.connection.framing.maximumMessageByteCount
            input = LineInput(reactor, limit: limit) { [unowned self] in didRead($0) }
        }
        let (client, access) = try destination.makeClient(configuration, reactor, self)
        self.client = client
        self.access = access
        client.connect()
        try run()
    }

    /// The same over standard input and output, for messages that are given; replies are printed on standard error.
    func runOverStandardStreams(_ configuration: PipeClient.Configuration) throws {
        try PipeConnection.standardStreams(configuration.connection, reactor: reactor, delegate: self)
        try run()
    }

    private func run() throws {
        let signals = try Signals(reactor) { [unowned self] in didInterrupt($0) }
        withExtendedLifetime(signals) { reactor.run() }
        if let failure { throw failure }
    }

    private var isAwaitingReply: Bool { plan.awaitsReplies && replyCount < sentCount }

    /// Sends what may be sent now, then arranges for the next step.
    private func pump() {
        guard failure == nil, let connection, connection.isOpen else { return }
        while !isCongested, !isAwaitingReply, let message = waiting.first {
            do {
                let verdict = try connection.send(message, descriptors: &descriptors)
                isCongested = verdict == .acceptedAboveHighWaterMark
                waiting = waiting.dropFirst()
                sentCount += 1
                plan.log.didSend(sentCount, message.count, verdict)
                noteProgress()
            } catch {
                return fail(Failure(error))
            }
        }
        if !waiting.isEmpty {
            input?.pause()
        } else if !isInputAtEnd {
            input?.resume()
        } else if !isAwaitingReply {
            connection.close()
        }
    }

    private func didRead(_ event: LineInput.Event) {
        switch event {
        case .lines(let lines): waiting = (waiting + lines)[...]
        case .end: isInputAtEnd = true
        case .failure(let failure): return fail(failure)
        }
        pump()
    }

    /// Only the first failure is reported. Queued messages are still sent.
    private func fail(_ failure: Failure) {
        if self.failure == nil { self.failure = failure }
        input?.pause()
        if let connection { connection.close() } else { stopReactor() }
    }

    private func didInterrupt(_ count: Int) {
        fail(Failure("interrupted (\(progress))"))
        if count > 1 { connection?.abort() }
    }

    private var progress: String {
        "\(grouped(sentCount)) sent" + (plan.awaitsReplies ? ", \(grouped(replyCount)) answered" : "")
    }

    // MARK: PipeClientDelegate

    func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        plan.log.didConnect(to: connection.peer)
        noteProgress()
        watchProgress(after: plan.timeout)
        pump()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard isAwaitingReply else { return }
        replyCount += 1
        plan.log.didReceive(replyCount, message.count)
        do {
            try StandardOutput.print(plan.style.line(for: Array(copying: message), from: connection))
        } catch {
            return fail(Failure("\(error.message) (\(progress))"))
        }
        pump()
    }

    func connectionDidDrain(_ connection: PipeConnection) {
        isCongested = false
        noteProgress()
        pump()
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        self.connection = nil
        plan.log.didEnd(reason)
        let lostCount = connection.unsentMessageCount + (connection.hasPartlySentMessage ? 1 : 0)
        let isDone = isInputAtEnd && waiting.isEmpty && !isAwaitingReply && lostCount == 0
        if !isDone {
            let last = lostCount == 1 ? "the last" : "the last \(grouped(lostCount))"
            let lost = lostCount == 0 ? "" : ", \(last) of them not delivered"
            let status: ExitStatus = reason == .slowReader ? .timedOut : .failed
            // After our own close, only the end of the peer keeps a message from it.
            let end = reason == .closedLocally ? DisconnectReason.resetByPeer.text : reason.text
            let causes = reason == .closedLocally ? UnansweredClose.anyCauseText : connection.causesText
            failure = failure ?? Failure("the connection was \(end) (\(progress)\(lost))\(causes)", status)
        }
        stopReactor()
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        failure = failure ?? Failure(error)
        stopReactor()
    }

    private func stopReactor() {
        if let access { access.stopReactor() } else { reactor.stop() }
    }
}

// MARK: - Time

extension SendSession {
    /// Whether the server has to act next.
    private var isServersTurn: Bool { isAwaitingReply || isCongested }

    private func noteProgress() { lastProgress = .now }

    /// Checks when the time may be up, and not before.
    private func watchProgress(after delay: Duration?) {
        guard let timeout = plan.timeout, let delay else { return }
        // A limit, not a timer: if this process was stopped, messages that have arrived meanwhile are handled first.
        _ = reactor.limit(delay) { [weak self] in
            guard let self, let connection else { return }
            if !isServersTurn || connection.pendingByteCount < lastPendingByteCount { noteProgress() }
            lastPendingByteCount = connection.pendingByteCount
            let left = timeout - (SuspendingClock.now - lastProgress)
            guard left <= .zero else { return watchProgress(after: left) }
            let what = isAwaitingReply ? "no reply" : "the server takes nothing"
            failure =
                failure ?? Failure("\(what) for \(timeout) (\(progress); --timeout sets how long to wait)", .timedOut)
            connection.abort()
        }
    }
}
