// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// What of the other end is to be handled, and answered if it has an id. It is in ``RunningHandlers`` until then.
struct IncomingCall: Sendable {
    enum Kind: Sendable {
        case handled(IncomingMessage.Request, JSONRPCMethods.JSONHandler)
        case refused(WrittenID, JSONRPCError)
    }

    let serial: RunningHandlers.Serial
    let kind: Kind

    /// To whom the answer goes; nil for a notification.
    var id: WrittenID? {
        switch kind {
        case .handled(let request, _): request.id
        case .refused(let id, _): id
        }
    }
}

// Handling what was asked. All of this runs in the child task of a call, or of a batch.
extension JSONRPCPeer {
    func answer(_ call: IncomingCall) async {
        if let reply = await reply(to: call) { await send(reply, answering: [call], asBatch: false) }
        end([call])
    }

    /// Handles a batch: its calls beside each other, its answer in one message.
    func answer(_ batch: [IncomingCall]) async {
        let replies = await withTaskGroup(of: [UInt8]?.self) { group in
            for call in batch {
                group.addTask(executorPreference: connection.executor) { await self.reply(to: call) }
            }
            var replies: [[UInt8]] = []
            while let reply = await group.next() { if let reply { replies.append(reply) } }
            return replies
        }
        if !replies.isEmpty { await send(OutgoingMessage.batch(replies), answering: batch, asBatch: true) }
        end(batch)
    }

    private func end(_ calls: [IncomingCall]) {
        for call in calls { running.end(call.serial) }
        wakeReceiver()
    }

    private func reply(to call: IncomingCall) async -> [UInt8]? {
        switch call.kind {
        case .refused(let id, let error): return OutgoingMessage.reply(.failure(error), to: id)
        case .handled(let request, let handler):
            running.enter(call.serial)
            let outcome = await outcome(of: request, handler, call.serial)
            running.leave(call.serial)
            return request.id.map { OutgoingMessage.reply(outcome, to: $0) }
        }
    }

    private func outcome(
        of request: IncomingMessage.Request, _ handler: JSONRPCMethods.JSONHandler, _ serial: RunningHandlers.Serial
    ) async -> Result<JSONText, JSONRPCError> {
        do {
            let call = JSONRPCCall(method: request.method, id: request.id?.id, metadata: request.metadata, peer: self)
            guard let interceptor = configuration.interceptor else {
                return .success(try await handler(request.params, call))
            }
            return .success(
                try await interceptor.handle(call) { try await handler(request.params, call) })
        } catch let error as JSONRPCError where request.id != nil {
            return .failure(error)
        } catch is CancellationError where running.isCancelled(serial) {
            return .failure(.requestCancelled)
        } catch {
            configuration.onEvent(.handlerFailed(method: request.method, error))
            return .failure(.internalError)
        }
    }

    /// Sends an answer. If it cannot be sent as it is, who waits for it gets an error in its place.
    private func send(_ reply: [UInt8], answering calls: [IncomingCall], asBatch: Bool) async {
        do {
            try await connection.send(reply)
        } catch is CancellationError {
            // What was cancelled is answered all the same, without waiting for room.
            try? sendAtOnce(reply)
        } catch PipeError.disconnected, PipeError.notConnected {
            // Nobody is there to get it.
        } catch {
            configuration.onEvent(.unsendableReply(error))
            let errors = calls.compactMap(\.id).map { OutgoingMessage.reply(.failure(.internalError), to: $0) }
            let replacement = asBatch ? OutgoingMessage.batch(errors) : errors.joined().map { $0 }
            // Without any answer, they would wait for ever.
            do { try sendAtOnce(replacement) } catch { await connection.abort() }
        }
    }

    func sendAtOnce(_ bytes: [UInt8]) throws {
        try connection.assumeIsolated { connection in
            _ = try connection.withConnection { try $0.send(bytes.span) }
        }
    }
}
