// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// The conditions that the tasks of a peer wait for. Each task checks its condition again when something has changed.
extension JSONRPCPeer {
    /// Waits until the condition holds, or the task is cancelled. The condition is checked again at each ``wake()``.
    func wait(until condition: () -> Bool) async {
        while !condition(), !Task.isCancelled {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if condition() || Task.isCancelled { continuation.resume() } else { waiters.append(continuation) }
                }
            } onCancel: {
                connection.executor.post { [self] _ in assumeIsolated { $0.wake() } }
            }
        }
    }

    /// Call it when a call has ended, a request has begun or ended, or the connection has ended.
    func wake() {
        for waiter in waiters.drain() { waiter.resume() }
        if canStart { starter.take()?.resume() }
    }

    // MARK: Calls that wait for a place

    /// How many calls are being handled or, after that, answered.
    private var usedPlaceCount: Int { openCalls.count - openCalls.refusedCount - waitingCalls.callCount }

    private var hasPlace: Bool { usedPlaceCount < configuration.handledRequestLimit }

    private var canStart: Bool { !waitingCalls.isEmpty && hasPlace }

    /// Begins with calls that have arrived, or queues them behind earlier ones.
    ///
    /// - Returns: the calls to begin with now.
    /// - Throws: if neither is possible.
    func admit(_ calls: IncomingCalls, messageByteCount: Int) throws(JSONRPCOverload) -> IncomingCalls? {
        if calls.isAnswerOnly { return calls }
        let usedCount = usedPlaceCount - calls.all.count
        if waitingCalls.isEmpty, usedCount < configuration.handledRequestLimit { return calls }
        if mustRead, waitingCalls.byteCount >= configuration.waitingByteLimit { return try refuseExcess(calls) }
        waitingCalls.append(calls, messageByteCount: messageByteCount)
        wake()
        return nil
    }

    /// Refuses requests. A notification has no answer that could say so, so it ends the connection.
    private func refuseExcess(_ calls: IncomingCalls) throws(JSONRPCOverload) -> IncomingCalls {
        for call in calls.all { openCalls.end(call.serial) }
        let error = JSONRPCError.tooManyRequests(limit: configuration.handledRequestLimit)
        let refusals = calls.all.compactMap(\.id).map { refusal(of: $0, error) }
        guard refusals.count == calls.all.count else {
            throw JSONRPCOverload(waitingByteLimit: configuration.waitingByteLimit)
        }
        if case .single = calls, let refusal = refusals.first { return .single(refusal) }
        return .batch(refusals)
    }

    /// Begins with waiting calls, as places become free, until the task is cancelled.
    func startWaitingCalls() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                while canStart, let calls = waitingCalls.takeFirst() {
                    group.addTask(executorPreference: connection.executor) { await self.answer(calls) }
                    // There may be room for more calls to wait.
                    wake()
                }
                await waitToStart()
            }
        }
    }

    private func waitToStart() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if canStart || Task.isCancelled { continuation.resume() } else { starter = continuation }
            }
        } onCancel: {
            connection.executor.post { [self] _ in assumeIsolated { $0.starter.take()?.resume() } }
        }
    }

    /// Answers requests that will no longer get a place.
    func refuseWaitingCalls() {
        while let calls = waitingCalls.takeFirst() {
            for call in calls.all {
                openCalls.end(call.serial)
                guard let id = call.id else { continue }
                try? sendAtOnce(OutgoingMessage.reply(.failure(.requestCancelled), to: id))
            }
        }
    }

    // MARK: Whether to read on

    /// While this end waits for replies, it must read on, because both ends could otherwise wait for each other.
    private var mustRead: Bool { !pending.isEmpty }

    /// Refusals are bounded as well: this end stops reading if the other end does not take them.
    private var canTakeMore: Bool {
        if isConnectionOver { return true }
        guard openCalls.refusedCount < configuration.handledRequestLimit else { return false }
        return mustRead || waitingCalls.byteCount < configuration.waitingByteLimit
    }

    /// Waits until more may be read. Meanwhile the connection itself does not notice that the other end is gone, so
    /// this checks on a timer.
    func waitUntilMoreMayBeRead() async {
        guard !canTakeMore else { return }
        let watch = connection.executor.reactorOfThisThread
            .schedule(after: Self.hangUpInterval, repeating: Self.hangUpInterval) { [self] in
                assumeIsolated { $0.lookForHangUp() }
            }
        defer { watch.cancel() }
        await wait { canTakeMore }
    }

    private func lookForHangUp() {
        if connection.assumeIsolated({ $0.isPeerGone }) { connectionDidEnd() }
    }

    private static var hangUpInterval: Duration { .milliseconds(500) }

    /// No more replies can be sent. Messages that arrived before are still taken: replies and notifications.
    func connectionDidEnd() {
        isConnectionOver = true
        openCalls.cancelRequests()
        for call in waitingCalls.takeRequests() { openCalls.end(call.serial) }
        wake()
    }
}

extension Array {
    fileprivate mutating func drain() -> [Element] {
        defer { self = [] }
        return self
    }
}
