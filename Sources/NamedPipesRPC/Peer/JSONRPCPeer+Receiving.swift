// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// What arrives. Replies, cancellations and progress take effect at once; requests and notifications get a child task each.
extension JSONRPCPeer {
    typealias Handlers = ThrowingDiscardingTaskGroup<any Error>

    /// Takes messages until none comes any more, and waits until all of them are handled.
    func receive() async throws {
        ignoresBlankMessages = await connection.isDelimited
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask(executorPreference: connection.executor) { [connection] in
                guard (try? await connection.waitForEnd()) != nil else { return }
                await self.connectionDidEnd()
            }
            let failure = await takeMessages(&group)
            endInput(await connection.endReason)
            await wait { running.count == 0 }
            group.cancelAll()
            if let failure { throw failure }
        }
    }

    /// - Returns: what the connection throws at its end.
    private func takeMessages(_ group: inout Handlers) async -> (any Error)? {
        do {
            for try await message in connection.messages {
                take(message, &group)
                await wait { canTakeMore }
            }
            return nil
        } catch {
            return error
        }
    }

    /// At the limit, reading goes on only where this end waits for replies itself, and then not for ever: refusals count,
    /// as long as the other end does not take them.
    private var canTakeMore: Bool {
        let limit = configuration.handledRequestLimit
        return isConnectionOver || running.count < limit || (!pending.isEmpty && running.count < 2 * limit)
    }

    /// What has arrived before is still taken: replies, and notifications.
    private func connectionDidEnd() {
        isConnectionOver = true
        running.cancelRequests()
        wakeReceiver()
    }

    /// No reply comes any more.
    private func endInput(_ reason: DisconnectReason?) {
        hasEnded = true
        pending.finishAll(.failure(JSONRPCRequestFailure.connectionEnded(reason)))
    }

    // MARK: One message

    private func take(_ message: PipeMessage, _ group: inout Handlers) {
        let bytes = Array(copying: message)
        if ignoresBlankMessages, bytes.allSatisfy(Self.isBlank) { return }
        do throws(JSONSyntaxError) {
            try JSONScanner.check(bytes[...], depthLimit: configuration.depthLimit)
        } catch {
            configuration.onEvent(.undecodableMessage(message, error))
            if takeUndecodableReply(bytes, message, error) {
                if configuration.endsAfterParseError { group.addTask { [connection] in await connection.close() } }
                return
            }
            return refuse(.null, .parseError(error), thenEnd: configuration.endsAfterParseError, &group)
        }
        var scanner = JSONScanner(bytes[...], depthLimit: configuration.depthLimit)
        if scanner.peek() == UInt8(ascii: "[") {
            takeBatch(&scanner, &group)
        } else if let text = try? scanner.value(), let call = take(text) {
            group.addTask(executorPreference: connection.executor) { await self.answer(call) }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func takeBatch(_ scanner: inout JSONScanner, _ group: inout Handlers) {
        let limit = configuration.batchLimit
        var texts: [JSONText] = []
        var count = 0
        try? scanner.elements { text in
            count += 1
            if count <= limit { texts.append(text) }
        }
        guard count > 0 else { return refuse(.null, .invalidRequest("an empty batch"), &group) }
        guard count <= limit else { return refuse(.null, .invalidRequest("a batch of more than \(limit)"), &group) }
        let calls = texts.compactMap(take)
        guard !calls.isEmpty else { return }
        group.addTask(executorPreference: connection.executor) { await self.answer(calls) }
    }

    private func refuse(
        _ id: WrittenID, _ error: JSONRPCError, thenEnd isLast: Bool = false, _ group: inout Handlers
    ) {
        if error.code != .parseError { configuration.onEvent(.invalidMessage(error)) }
        guard let serial = running.begin(nil) else { return }
        group.addTask(executorPreference: connection.executor) { [connection] in
            await self.answer(IncomingCall(serial: serial, kind: .refused(id, error)))
            if isLast { await connection.close() }
        }
    }

    /// Takes one object; what is to be handled or answered is returned.
    private func take(_ text: JSONText) -> IncomingCall? {
        let message = IncomingMessage(
            text, idByteLimit: configuration.idByteLimit, metadataByteLimit: configuration.metadataByteLimit,
            depthLimit: configuration.depthLimit)
        switch message {
        case .request(let request): return take(request)
        case .reply(let id, let outcome):
            take(outcome, to: id)
            return nil
        case .invalidReply(let id, let text):
            takeInvalidReply(id, text)
            return nil
        case .invalid(let id, let error):
            configuration.onEvent(.invalidMessage(error))
            return running.begin(nil).map { IncomingCall(serial: $0, kind: .refused(id, error)) }
        }
    }

    private func take(_ request: IncomingMessage.Request) -> IncomingCall? {
        if request.id == nil ? takeAtOnce(request) : isConnectionOver { return nil }
        let isAtLimit = running.count >= configuration.handledRequestLimit && !pending.isEmpty
        guard let id = request.id else {
            guard !isAtLimit, let handler = methods.handler(of: request.method) else {
                configuration.onEvent(.droppedNotification(method: request.method))
                return nil
            }
            return running.begin(nil).map { IncomingCall(serial: $0, kind: .handled(request, handler)) }
        }
        if isAtLimit {
            let error = JSONRPCError.tooManyRequests(limit: configuration.handledRequestLimit)
            return running.begin(nil).map { IncomingCall(serial: $0, kind: .refused(id, error)) }
        }
        guard let handler = methods.handler(of: request.method) else {
            return running.begin(nil).map { IncomingCall(serial: $0, kind: .refused(id, .methodNotFound)) }
        }
        guard let serial = running.begin(id.id) else {
            // Without the id: that one's reply is still to come.
            let error = JSONRPCError.invalidRequest("a request with this id is being handled")
            configuration.onEvent(.invalidMessage(error))
            return running.begin(nil).map { IncomingCall(serial: $0, kind: .refused(.null, error)) }
        }
        return IncomingCall(serial: serial, kind: .handled(request, handler))
    }
}
