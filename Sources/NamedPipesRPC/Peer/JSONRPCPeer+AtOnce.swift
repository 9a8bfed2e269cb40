// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// Messages that take effect on arrival, without a task.
extension JSONRPCPeer {
    func take(_ outcome: Result<JSONText, JSONRPCError>, to id: JSONRPCID) {
        if let number = id.requestNumber, pending.takeReply(number, outcome.mapError { $0 }) { return }
        if case .failure(let error) = outcome, id == .null {
            configuration.onEvent(.errorReport(error))
            pending.takeUnattributed(error)
        } else {
            configuration.onEvent(.unexpectedReply(id))
        }
    }

    func takeInvalidReply(_ id: JSONRPCID?, _ text: JSONText) {
        let failure = JSONRPCRequestFailure.invalidReply(text)
        if let number = id?.requestNumber, pending.takeReply(number, .failure(failure)) { return }
        configuration.onEvent(.unexpectedReply(id))
        if id == nil || id == .null { pending.takeUnattributed(failure) }
    }

    /// Takes a message that is not JSON, if it appears to be a reply or may be one.
    ///
    /// - Returns: false if it is not a reply and has to be answered.
    func takeUndecodableReply(_ bytes: [UInt8], _ message: PipeMessage, _ error: JSONSyntaxError) -> Bool {
        let sketch = MessageSketch(bytes[...], idByteLimit: configuration.idByteLimit)
        guard !sketch.hasMethod, sketch.hasOutcome || pending.hasSent else { return false }
        let failure = JSONRPCRequestFailure.unreadableReply(message, error)
        if let number = sketch.id?.requestNumber {
            _ = pending.takeReply(number, .failure(failure))
        } else {
            pending.takeUnattributed(failure)
        }
        return true
    }

    /// Takes LSP's notifications of progress.
    ///
    /// - Returns: false if no request of this end waits for it.
    func takeProgress(_ params: JSONText?) -> Bool {
        guard let token = params?.member("token").flatMap(JSONRPCID.init),
            let value = params?.member("value"), let handler = progressHandlers[token.canonical]
        else { return false }
        handler(value)
        return true
    }

    /// Takes LSP's notifications of cancellation.
    ///
    /// - Returns: the answer to a request that waited for a place and no longer has to.
    func takeCancellation(_ params: JSONText?) -> IncomingCall? {
        guard let id = params?.member("id").flatMap(JSONRPCID.init), let serial = openCalls.cancel(id),
            let call = waitingCalls.take(serial), let id = call.id
        else { return nil }
        openCalls.end(serial)
        return refusal(of: id, .requestCancelled)
    }

    func refusal(of id: WrittenID, _ error: JSONRPCError, isLast: Bool = false) -> IncomingCall {
        IncomingCall(serial: openCalls.beginRefusal(), kind: .refused(id, error), isLast: isLast)
    }
}
