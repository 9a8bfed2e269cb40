// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesRPC

extension ScriptedPeer {
    /// Performs the steps one after the other, until one has to wait.
    func goOn() {
        while !isDone, let connection {
            guard stepIndex < script.steps.count else { return finish() }
            guard run(script.steps[stepIndex], connection) else { return }
            stepIndex += 1
            stepState = .new
        }
    }

    /// - Returns: whether the step is done.
    private func run(_ step: PeerScript.Step, _ connection: PipeConnection) -> Bool {
        switch step {
        case .send(let message): send(message, connection)
        case .sendBytes(let bytes, let pieceSize): send(bytes, pieceSize ?? .max, connection)
        case .expect(let message): takeMessage { MessageText.difference($0, from: message) }
        case .expectJSON(let value): takeJSON(value)
        case .expectMessages(let count): takeMessages(count)
        case .expectMessage(_, let fits): takeMessage { fits($0) ? nil : "" }
        case .expectNothing(let duration): inSilence(duration)
        case .expectEnd: isAtEnd()
        case .pause(let duration): pause(duration, connection)
        case .finish: finishSending(connection)
        case .close: close()
        case .reset(let duration): reset(duration, connection)
        }
    }

    // MARK: Sending

    private func send(_ message: [UInt8], _ connection: PipeConnection) -> Bool {
        var frame = FrameBuffer()
        do {
            try script.framing.encode(message.span, into: &frame)
        } catch {
            return failed("\(error)")
        }
        return write([UInt8](copying: frame.span), connection)
    }

    private func write(_ bytes: [UInt8], _ connection: PipeConnection) -> Bool {
        guard !bytes.isEmpty else { return true }
        do {
            try connection.send(bytes)
            return true
        } catch {
            return failed(end ?? "\(error)")
        }
    }

    /// One piece each turn: everything that is sent within one turn is written together.
    private func send(_ bytes: [UInt8], _ pieceSize: Int, _ connection: PipeConnection) -> Bool {
        var rest = bytes[...]
        if case .sending(let left) = stepState { rest = left }
        guard write(Array(rest.prefix(max(pieceSize, 1))), connection) else { return false }
        rest = rest.dropFirst(max(pieceSize, 1))
        guard !rest.isEmpty else { return true }
        stepState = .sending(rest)
        reactor.schedule(after: .zero) { [weak self] in self?.goOn() }
        return false
    }

    private func finishSending(_ connection: PipeConnection) -> Bool {
        connection.finishSending()
        return true
    }

    // MARK: Expecting

    private func takeMessages(_ count: Int) -> Bool {
        guard inbox.messages.count >= count else { return waits() }
        for _ in 0..<count { _ = inbox.takeMessage() }
        return true
    }

    /// - Parameter difference: what is wrong with a message, possibly without a word; nil if it is as expected.
    private func takeMessage(_ difference: ([UInt8]) -> String?) -> Bool {
        guard let message = inbox.takeMessage() else { return waits() }
        guard let difference = difference(message) else { return true }
        return failed("\(MessageText.text(of: message)) came\(difference.isEmpty ? "" : "; \(difference)")")
    }

    private func takeJSON(_ text: String) -> Bool {
        let expected: JSONText
        do {
            expected = try JSONText(text)
        } catch {
            return failed("the expected value is not JSON: \(error)")
        }
        return takeMessage { message in
            do throws(JSONSyntaxError) {
                return try JSONText(message).difference(from: expected)?.description
            } catch {
                return "it is not JSON: \(error)"
            }
        }
    }

    /// Continues to wait, unless nothing can come any more.
    private func waits() -> Bool {
        guard let end else { return false }
        return failed(inbox.messages.isEmpty ? end : "\(end), after \(inbox.messages.count) messages")
    }

    private func isAtEnd() -> Bool {
        if let leftover = inbox.leftover { return failed(leftover) }
        return end != nil
    }

    private func inSilence(_ duration: Duration) -> Bool {
        if let leftover = inbox.leftover ?? end { return failed(leftover) }
        return hasElapsed(duration)
    }

    // MARK: Waiting

    private func pause(_ duration: Duration, _ connection: PipeConnection) -> Bool {
        connection.pauseReceiving()
        guard hasElapsed(duration) else { return false }
        connection.resumeReceiving()
        return true
    }

    private func hasElapsed(_ duration: Duration) -> Bool {
        switch stepState {
        case .elapsed: return true
        case .waiting: return false
        case .new, .sending:
            stepState = .waiting(
                reactor.schedule(after: duration) { [weak self] in
                    self?.stepState = .elapsed
                    self?.goOn()
                })
            return false
        }
    }

    // MARK: Ending

    private func close() -> Bool {
        stepIndex += 1
        finish()
        return false
    }

    private func reset(_ duration: Duration, _ connection: PipeConnection) -> Bool {
        connection.pauseReceiving()
        guard hasElapsed(duration) else { return false }
        connection.abort()
        return close()
    }

    private func failed(_ problem: String) -> Bool {
        fail(problem)
        return false
    }
}
