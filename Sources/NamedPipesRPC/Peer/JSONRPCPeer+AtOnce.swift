// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// What takes effect as it arrives, without a task.
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

    /// Takes what is no JSON, if it is a reply as far as can be seen, or may be one.
    ///
    /// - Returns: false if it is none, and is to be answered.
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

    /// Takes LSP's notifications of cancellation and of progress.
    ///
    /// - Returns: false if it is neither, or progress that no request here waits for.
    func takeAtOnce(_ notification: IncomingMessage.Request) -> Bool {
        switch notification.method {
        case Self.cancelMethod:
            if let id = notification.params?.member("id").flatMap(JSONRPCID.init) { running.cancel(id) }
            return true
        case Self.progressMethod:
            guard let token = notification.params?.member("token").flatMap(JSONRPCID.init),
                let value = notification.params?.member("value"), let handler = progressHandlers[token.canonical]
            else { return false }
            handler(value)
            return true
        default: return false
        }
    }

    // MARK: What the receiving task waits for

    /// Waits until the condition holds, or the task is cancelled. It is looked at again whenever
    /// ``wakeReceiver()`` is called.
    func wait(until condition: () -> Bool) async {
        while !condition(), !Task.isCancelled {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if condition() || Task.isCancelled { continuation.resume() } else { receiver = continuation }
                }
            } onCancel: {
                connection.executor.post { [self] _ in assumeIsolated { $0.wakeReceiver() } }
            }
        }
    }

    func wakeReceiver() { receiver.take()?.resume() }
}
