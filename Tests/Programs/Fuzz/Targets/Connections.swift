// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport

/// A peer writes any bytes, in any pieces, between turns of the server's loop and while the server pauses. The server
/// delivers the messages that the framing finds, answers them, and ends the connection for the right reason.
func converse(_ input: inout Input) {
    let limit = input.limit()
    let names = ["length", "length:1", "length:8:le", "newline", "delimiter:0d0a", "content-length", "varint"]
    guard
        let framing = NamedFraming.parse(names[input.number(below: names.count)], maximumMessageByteCount: limit)
    else { return }
    let script = input.bytes(16)
    let stream = input.rest()
    do {
        let conversation = try Conversation(framing, messagesPerTurn: input.number(below: 2) == 0 ? 1 : 4096)
        conversation.play(script, stream)
        conversation.check(framing.outcome(of: stream))
    } catch {
        fail("no conversation: \(error)")
    }
}

private final class Conversation: PipeServerDelegate {
    private let reactor = unsafe MainThread.reactor
    private let framing: any MessageFraming
    private var peer: RawPeer?
    private var server: PipeServer?
    private var connection: PipeConnection?
    private var messages: [[UInt8]] = []
    private var reason: DisconnectReason?
    private var hasStopped = false

    init(_ framing: any MessageFraming, messagesPerTurn: Int) throws {
        self.framing = framing
        var configuration = PipeServer.Configuration()
        configuration.connection.framing = framing
        configuration.connection.messagesPerTurn = messagesPerTurn
        let address = try PipeAddress.abstract("pipes-fuzz-\(getpid())")
        server = try PipeServer(
            listeningOn: address, configuration: configuration, reactor: reactor, delegate: self)
        peer = try RawPeer(connectingTo: address)
        require(reactor.run(timeout: .seconds(5)) { connection != nil }, "no connection")
    }

    func connectionDidOpen(_ connection: PipeConnection) { self.connection = connection }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        messages.append(Array(lent: message))
        do { try connection.send(message) } catch { fail("answer: \(error)") }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        require(self.reason == nil, "two ends")
        self.reason = reason
    }

    func serverDidStop(_ server: PipeServer) { hasStopped = true }

    func play(_ script: [UInt8], _ stream: [UInt8]) {
        guard let peer, let connection else { return }
        var rest = stream[...]
        var isPaused = false
        for step in script {
            let amount = 1 + Int(step >> 2)
            switch step & 3 {
            case 0: write(&rest, amount)
            case 1: write(&rest, amount * 64)
            case 2: turn()
            default:
                isPaused.toggle()
                if isPaused { connection.pauseReceiving() } else { connection.resumeReceiving() }
            }
        }
        connection.resumeReceiving()
        while !rest.isEmpty, reason == nil {
            write(&rest, rest.count)
            turn()
            readAnswers()
        }
        peer.finishWriting()
        for _ in 0..<1000 where reason == nil {
            turn()
            readAnswers()
        }
        readAnswers()
    }

    /// In small pieces: the room for a read is cleared first.
    private func readAnswers() {
        while let count = peer?.read(atMost: 4096), count > 0 {}
    }

    private func write(_ rest: inout ArraySlice<UInt8>, _ count: Int) {
        guard let peer, !rest.isEmpty else { return }
        let written = peer.write(rest.prefix(count))
        if written > 0 { rest.removeFirst(written) }
    }

    /// One turn of the loop, which does not wait: there is work at its end.
    private func turn() {
        let step = Step()
        reactor.runAtEndOfTurn(step)
        reactor.run { step.isTaken }
    }

    private final class Step: TurnWork {
        private(set) var isTaken = false

        func runInTurn() { isTaken = true }
    }

    func check(_ expected: Outcome) {
        require(messages == expected.messages, "\(messages) instead of \(expected.messages)")
        require(peer?.received == frames(of: messages, framing), "the answers")
        switch reason {
        case .framing(let error): require(error == expected.error, "\(error)")
        case .truncatedByPeer:
            require(expected.error == nil && expected.unfinishedByteCount > 0, "an end in the middle")
        case .closedByPeer: require(expected.error == nil && expected.unfinishedByteCount == 0, "a clean end")
        default: fail("\(String(describing: reason))")
        }
        server?.stop()
        require(reactor.run(timeout: .seconds(5)) { hasStopped }, "no stop")
        (peer, server, connection) = (nil, nil, nil)
    }
}

/// libFuzzer calls on one thread, and a reactor belongs to one.
private enum MainThread {
    // Unsafe, because the compiler cannot know of that one thread.
    nonisolated(unsafe) static let reactor: Reactor = {
        do { return try Reactor() } catch { fail("no reactor: \(error)") }
    }()
}
