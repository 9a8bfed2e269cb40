// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// How a request is sent, awaited and given up.
extension JSONRPCPeer {
    /// Sends this number of requests in one message, and waits as the function does. The requests end with this call.
    ///
    /// - Parameters:
    ///   - write: makes the message from the requests' numbers.
    ///   - wait: called once the message is sent.
    func exchange<Outcome>(
        _ requestCount: Int, timeout: Duration?, write: ([Int64]) -> [UInt8],
        _ wait: (isolated JSONRPCPeer, [Int64]) async throws -> Outcome
    ) async throws -> Outcome {
        guard !hasEnded else { throw JSONRPCRequestFailure.connectionEnded(nil) }
        try Task.checkCancellation()
        try checkPlaces(for: requestCount)
        let numbers = pending.begin(requestCount)
        defer { end(numbers) }
        startLimit(timeout ?? configuration.requestTimeout, numbers)
        return try await withTaskCancellationHandler {
            try await takePlaces(numbers)
            try await send(write(numbers), numbers)
            return try await wait(self, numbers)
        } onCancel: {
            connection.executor.post { [self] _ in assumeIsolated { $0.giveUp(numbers, CancellationError()) } }
        }
    }

    private func checkPlaces(for count: Int) throws(JSONRPCRequestFailure) {
        let limit = configuration.pendingRequestLimit
        let mayWait = configuration.pendingLimitPolicy == .wait && count <= limit
        guard mayWait || pending.hasPlaces(for: count) else { throw .tooManyPending(limit: limit) }
    }

    private func takePlaces(_ numbers: [Int64]) async throws {
        guard let first = numbers.first else { return }
        if !pending.takePlacesAtOnce(numbers) {
            await withCheckedContinuation { pending.takePlaces(numbers, $0) }
        }
        if case .failure(let reason)? = pending.outcome(of: first) { throw reason }
        // Replies have to be read from now on, even if no more calls may wait.
        wake()
    }

    private func end(_ numbers: [Int64]) {
        for number in numbers { pending.end(number) }
        wake()
    }

    /// Waits for the reply to a request that was sent.
    func reply(to number: Int64) async throws -> JSONText {
        try await withCheckedThrowingContinuation { pending.wait(for: number, $0) }
    }

    /// A reply that has arrived counts, even if the loop was held up until the time was over.
    private func startLimit(_ timeout: Duration?, _ numbers: [Int64]) {
        guard let timeout, let first = numbers.first else { return }
        let limit = connection.executor.reactorOfThisThread.limit(timeout) { [self] in
            assumeIsolated { $0.giveUp(numbers, JSONRPCRequestFailure.timedOut(timeout)) }
        }
        pending.setLimit(limit, of: first)
    }

    /// Ends the wait of those requests that have no outcome, and tells the other end.
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

    /// Sends requests, for as long as they have no outcome. A separate task waits for room, so that a timeout can end
    /// the wait.
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
