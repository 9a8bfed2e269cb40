// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// Sends back what it receives, and keeps the errors.
final class EchoDelegate: PipeServerDelegate {
    private(set) var ends: [DisconnectReason] = []
    private(set) var problems: [PipeError] = []

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        do throws(PipeError) { _ = try connection.send(message) } catch { problems.append(error) }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) { ends.append(reason) }
}

/// A client that sends messages, each large one after the reply to the one before, and compares the replies.
final class Sender: PipeClientDelegate {
    private let messages: [[UInt8]]
    private var sentCount = 0
    private var receivedCount = 0
    private(set) var problems: [String] = []

    init(_ messages: [[UInt8]]) { self.messages = messages }

    var isDone: Bool { receivedCount == messages.count }

    func connectionDidOpen(_ connection: PipeConnection) { sendMore(connection) }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        if receivedCount == messages.count {
            problems.append("a message came back that nobody sent")
        } else if !isEqual(message, messages[receivedCount]) {
            problems.append("reply \(receivedCount) differs")
        }
        receivedCount += 1
        sendMore(connection)
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        if !isDone { problems.append("closed after \(receivedCount) replies: \(reason)") }
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) { problems.append("\(error)") }

    /// Small messages go out without waiting for replies.
    private func sendMore(_ connection: PipeConnection) {
        while sentCount < messages.count, sentCount == receivedCount || messages[sentCount].count <= 300 {
            do { _ = try connection.send(messages[sentCount]) } catch { problems.append("\(error)") }
            sentCount += 1
        }
    }

    private func isEqual(_ message: Span<UInt8>, _ expected: [UInt8]) -> Bool {
        guard message.count == expected.count else { return false }
        // memcmp, because comparing 20 MB element by element takes seconds in a debug build.
        return unsafe message.withUnsafeBufferPointer { message in
            unsafe expected.withUnsafeBufferPointer { expected in
                guard let left = message.baseAddress, let right = expected.baseAddress else { return true }
                return unsafe memcmp(left, right, expected.count) == 0
            }
        }
    }
}
