// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// The handling of incoming calls. All of this runs in the child task of a call, or of a batch.
extension JSONRPCPeer {
    func answer(_ calls: IncomingCalls) async {
        switch calls {
        case .single(let call): await answer(call)
        case .batch(let calls): await answer(calls)
        }
    }

    private func answer(_ call: IncomingCall) async {
        if let reply = await reply(to: call) { await send(reply, answering: [call], asBatch: false) }
        end([call])
        if call.isLast { await connection.close() }
    }

    /// Handles a batch: its calls concurrently, with the answer in one message.
    private func answer(_ batch: [IncomingCall]) async {
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
        for call in calls { openCalls.end(call.serial) }
        wake()
    }

    private func reply(to call: IncomingCall) async -> [UInt8]? {
        switch call.kind {
        case .unanswered: return nil
        case .refused(let id, let error): return OutgoingMessage.reply(.failure(error), to: id)
        case .handled(let request, let handler):
            openCalls.enter(call.serial)
            let outcome = await outcome(of: request, handler, call.serial)
            openCalls.leave(call.serial)
            return request.id.map { OutgoingMessage.reply(outcome, to: $0) }
        }
    }

    func outcome(
        of request: IncomingMessage.Request, _ handler: JSONRPCMethods.JSONHandler, _ serial: OpenCalls.Serial
    ) async -> Result<JSONText, JSONRPCError> {
        do {
            let call = JSONRPCCall(
                method: request.method, id: request.id?.id, metadata: metadata(of: request), peer: self)
            guard let interceptor = configuration.interceptor else {
                return .success(try await handler(request.params, call))
            }
            return .success(
                try await interceptor.handle(call) { try await handler(request.params, call) })
        } catch let error as JSONRPCError where request.id != nil {
            return .failure(error)
        } catch is CancellationError where openCalls.isCancelled(serial) {
            return .failure(.requestCancelled)
        } catch {
            let name = methods.isRegistered(request.method) ? request.method : nil
            configuration.onEvent(.handlerFailed(method: name, error))
            return .failure(.internalError)
        }
    }

    private func metadata(of request: IncomingMessage.Request) -> [String: String] {
        guard configuration.metadataPlace == .metaOfParams else { return request.metadata }
        let inParams = ParamsMetadata.read(request.params, byteLimit: configuration.metadataByteLimit)
        return inParams.merging(request.metadata) { first, _ in first }
    }

    /// Sends an answer. If it cannot be sent as it is, sends an error in its place.
    private func send(_ reply: [UInt8], answering calls: [IncomingCall], asBatch: Bool) async {
        do {
            try await connection.send(reply)
        } catch is CancellationError {
            // A cancelled request is answered all the same, without waiting for room.
            try? sendAtOnce(reply)
        } catch PipeError.disconnected, PipeError.notConnected {
            // The other end is no longer there to receive it.
        } catch {
            configuration.onEvent(.unsendableReply(error))
            let errors = calls.compactMap(\.id).map { OutgoingMessage.reply(.failure(.internalError), to: $0) }
            let replacement = asBatch ? OutgoingMessage.batch(errors) : errors.joined().map { $0 }
            // Without any answer, the other end would wait for ever.
            do { try sendAtOnce(replacement) } catch { await connection.abort() }
        }
    }

    func sendAtOnce(_ bytes: [UInt8]) throws {
        try connection.assumeIsolated { connection in
            _ = try connection.withConnection { try $0.send(bytes.span) }
        }
    }
}
