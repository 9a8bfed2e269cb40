// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// How a request is sent, waited for and given up.
extension JSONRPCPeer {
    func beginRequest() throws -> Int64 {
        guard !hasEnded else { throw JSONRPCRequestFailure.connectionEnded(nil) }
        guard pending.count < configuration.pendingRequestLimit else {
            throw JSONRPCRequestFailure.tooManyPending(limit: configuration.pendingRequestLimit)
        }
        let number = pending.begin()
        // Replies have to be read from now on, also at the limit of what is handled.
        wakeReceiver()
        return number
    }

    /// Sends what contains these requests, and waits for what the function waits for. The requests end with it.
    func exchange<Outcome>(
        _ bytes: [UInt8], _ numbers: [Int64], timeout: Duration?, _ wait: (isolated JSONRPCPeer) async throws -> Outcome
    ) async throws -> Outcome {
        defer { for number in numbers { pending.end(number) } }
        try Task.checkCancellation()
        startTimer(timeout ?? configuration.requestTimeout, numbers)
        try await send(bytes, numbers)
        return try await withTaskCancellationHandler {
            try await wait(self)
        } onCancel: {
            connection.executor.post { [self] _ in assumeIsolated { $0.giveUp(numbers, CancellationError()) } }
        }
    }

    /// Waits for the reply to a request that was sent.
    func reply(to number: Int64) async throws -> JSONText {
        try await withCheckedThrowingContinuation { pending.wait(for: number, $0) }
    }

    private func startTimer(_ timeout: Duration?, _ numbers: [Int64]) {
        guard let timeout else { return }
        let timer = connection.executor.reactorOfThisThread.schedule(after: timeout) { [self] in
            assumeIsolated { $0.giveUp(numbers, JSONRPCRequestFailure.timedOut(timeout)) }
        }
        if let first = numbers.first { pending.setTimer(timer, of: first) }
    }

    /// Ends the wait for those of the requests that have no outcome, and tells the other end.
    private func giveUp(_ numbers: [Int64], _ error: any Error) {
        for number in numbers where pending.isOpen(number) {
            let wasSent = pending.isSent(number)
            pending.finish(number, .failure(error))
            guard wasSent else { continue }
            pending.abandon(number, limit: configuration.pendingRequestLimit)
            let params = JSONText(unchecked: Array(#"{"id":\#(number)}"#.utf8)[...])
            let bytes = OutgoingMessage.request(Self.cancelMethod, params, id: nil)
            // Without waiting for room: the task that would wait is the cancelled one.
            try? sendAtOnce(bytes)
        }
    }

    /// Sends requests, for as long as their outcome is open. The task that waits for room is one of its own, so that a
    /// timeout can end the wait.
    private func send(_ bytes: [UInt8], _ numbers: [Int64]) async throws {
        do {
            if connection.canSendAtOnce || numbers.isEmpty {
                try await connection.send(bytes)
                didSend(numbers)
            } else {
                try await sendWhenThereIsRoom(bytes, numbers)
            }
        } catch {
            if let first = numbers.first, case .failure(let reason)? = pending.outcome(of: first) { throw reason }
            throw Self.requestFailure(of: error)
        }
    }

    private func sendWhenThereIsRoom(_ bytes: [UInt8], _ numbers: [Int64]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: connection.executor) { try await self.sendInTask(bytes, numbers) }
            try await group.waitForAll()
        }
    }

    private func sendInTask(_ bytes: [UInt8], _ numbers: [Int64]) async throws {
        guard let first = numbers.first, pending.isOpen(first) else { return }
        pending.setSending(LiveTask.current(), of: first)
        defer { pending.setSending(nil, of: first) }
        try await connection.send(bytes)
        didSend(numbers)
    }

    private func didSend(_ numbers: [Int64]) {
        for number in numbers { pending.didSend(number) }
    }

    private static func requestFailure(of error: any Error) -> any Error {
        switch error {
        case PipeError.disconnected(let reason): JSONRPCRequestFailure.connectionEnded(reason)
        case PipeError.notConnected: JSONRPCRequestFailure.connectionEnded(nil)
        default: error
        }
    }

    static var cancelMethod: String { "$/cancelRequest" }
    static var progressMethod: String { "$/progress" }
}
