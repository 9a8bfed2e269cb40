// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// The receiving side. Replies, cancellations and progress take effect at once; requests and notifications get a child
// task each.
extension JSONRPCPeer {
    typealias Handlers = ThrowingDiscardingTaskGroup<any Error>

    /// Takes messages until no more come, and waits until all of them are handled.
    func receive() async throws {
        ignoresBlankMessages = await connection.isDelimited
        defer { refuseWaitingCalls() }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask(executorPreference: connection.executor) { [connection] in
                guard (try? await connection.waitForEnd()) != nil else { return }
                await self.connectionDidEnd()
            }
            group.addTask(executorPreference: connection.executor) { await self.startWaitingCalls() }
            let failure = await takeMessages(&group)
            if failure == nil { await takeMessagesWhileStopping() }
            await endInput()
            await wait { openCalls.count == 0 }
            group.cancelAll()
            if let failure { throw failure }
        }
    }

    /// - Returns: the error that the connection throws at its end.
    private func takeMessages(_ group: inout Handlers) async -> (any Error)? {
        do {
            for try await message in connection.messages {
                if let calls = take(message), let first = try admit(calls, messageByteCount: message.byteCount) {
                    group.addTask(executorPreference: connection.executor) { await self.answer(first) }
                }
                await waitUntilMoreMayBeRead()
            }
            return nil
        } catch let overload as JSONRPCOverload {
            configuration.onEvent(.overload(overload))
            await connection.abort()
            return overload
        } catch {
            return error
        }
    }

    /// If the server is being stopped, and the other end has not finished: takes the messages that handlers and
    /// requests need in order to finish, until they have. New requests are refused.
    private func takeMessagesWhileStopping() async {
        guard await connection.canResumeReceiving, hasWork else { return }
        isStopping = true
        await connection.resumeReceiving()
        await withDiscardingTaskGroup { group in
            group.addTask(executorPreference: connection.executor) { await self.takeRest() }
            await wait { !hasWork || hasTakenRest }
            group.cancelAll()
        }
    }

    private func takeRest() async {
        try? await withThrowingDiscardingTaskGroup { group in _ = await takeMessages(&group) }
        hasTakenRest = true
        wake()
    }

    /// Whether handlers run or wait, or this end waits for replies.
    private var hasWork: Bool { openCalls.count > openCalls.refusedCount || !pending.isEmpty }

    /// No more replies will come.
    private func endInput() async {
        let (reason, causes) = await (connection.endReason, connection.unansweredClose)
        hasEnded = true
        let failure = causes.map { JSONRPCRequestFailure.closedUnanswered(reason, $0) }
        pending.finishAll(.failure(failure ?? .connectionEnded(reason)))
    }

    // MARK: One message

    /// - Returns: the calls to handle or to answer.
    private func take(_ message: PipeMessage) -> IncomingCalls? {
        let bytes = Array(copying: message)
        if ignoresBlankMessages, bytes.allSatisfy(Self.isBlank) { return nil }
        do throws(JSONSyntaxError) {
            let text = try JSONScanner.check(bytes[...], depthLimit: configuration.depthLimit)
            if text.slice.first == UInt8(ascii: "[") { return takeBatch(text) }
            return take(text, isOfBatch: false).map(IncomingCalls.single)
        } catch {
            return takeUndecodable(bytes, message, error)
        }
    }

    private func takeUndecodable(
        _ bytes: [UInt8], _ message: PipeMessage, _ error: JSONSyntaxError
    ) -> IncomingCalls? {
        configuration.onEvent(.undecodableMessage(message, error))
        let isLast = configuration.endsAfterParseError
        if takeUndecodableReply(bytes, message, error) {
            guard isLast else { return nil }
            return .single(IncomingCall(serial: openCalls.beginRefusal(), kind: .unanswered, isLast: true))
        }
        return .single(refusal(of: .null, .parseError(error), isLast: isLast))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func takeBatch(_ text: JSONText) -> IncomingCalls? {
        let limit = configuration.batchLimit
        var scanner = JSONScanner(text.slice, depthLimit: configuration.depthLimit)
        var texts: [JSONText] = []
        var count = 0
        try? scanner.elements { text in
            count += 1
            if count <= limit { texts.append(text) }
        }
        guard count > 0 else { return .single(invalid(.null, .invalidRequest("an empty batch"))) }
        guard count <= limit else { return .single(invalid(.null, .invalidRequest("a batch of more than \(limit)"))) }
        let calls = texts.compactMap { take($0, isOfBatch: true) }
        return calls.isEmpty ? nil : .batch(calls)
    }

    private func invalid(_ id: WrittenID, _ error: JSONRPCError, isOfBatch: Bool = false) -> IncomingCall {
        configuration.onEvent(.invalidMessage(error))
        return refused(id, error, isOfBatch: isOfBatch)
    }

    /// A refusal that belongs to a batch waits with it, and so counts like its other calls.
    private func refused(_ id: WrittenID, _ error: JSONRPCError, isOfBatch: Bool) -> IncomingCall {
        guard isOfBatch, let serial = openCalls.begin(nil) else { return refusal(of: id, error) }
        return IncomingCall(serial: serial, kind: .refused(id, error))
    }

    /// Takes one object, and returns the call to handle or to answer.
    private func take(_ text: JSONText, isOfBatch: Bool) -> IncomingCall? {
        let message = IncomingMessage(
            text, idByteLimit: configuration.idByteLimit, metadataByteLimit: configuration.metadataByteLimit,
            depthLimit: configuration.depthLimit)
        switch message {
        case .request(let request): return take(request, isOfBatch)
        case .reply(let id, let outcome):
            take(outcome, to: id)
            return nil
        case .invalidReply(let id, let text):
            takeInvalidReply(id, text)
            return nil
        case .invalid(let id, let error): return invalid(id, error, isOfBatch: isOfBatch)
        }
    }

    private func take(_ request: IncomingMessage.Request, _ isOfBatch: Bool) -> IncomingCall? {
        guard let id = request.id else { return takeNotification(request, isOfBatch) }
        if isConnectionOver { return nil }
        if isStopping { return refused(id, .stopping, isOfBatch: isOfBatch) }
        guard let handler = methods.handler(of: request.method) else {
            return refused(id, .methodNotFound, isOfBatch: isOfBatch)
        }
        guard let serial = openCalls.begin(id.id) else {
            // Without the id: the reply to the other request with this id is still to come.
            return invalid(.null, .invalidRequest("a request with this id is being handled"), isOfBatch: isOfBatch)
        }
        return IncomingCall(serial: serial, kind: .handled(request, handler))
    }

    private func takeNotification(_ notification: IncomingMessage.Request, _ isOfBatch: Bool) -> IncomingCall? {
        switch notification.method {
        case Self.cancelMethod:
            // The answer to a request that waits on its own does not belong in the answer to this batch.
            if isOfBatch { return cancelWithoutAnswer(notification.params) }
            return takeCancellation(notification.params)
        case Self.progressMethod where takeProgress(notification.params): return nil
        default: break
        }
        guard let handler = methods.handler(of: notification.method), let serial = openCalls.begin(nil) else {
            configuration.onEvent(.droppedNotification(method: notification.method))
            return nil
        }
        return IncomingCall(serial: serial, kind: .handled(notification, handler))
    }

    private func cancelWithoutAnswer(_ params: JSONText?) -> IncomingCall? {
        if let id = params?.member("id").flatMap(JSONRPCID.init) { _ = openCalls.cancel(id) }
        return nil
    }
}
