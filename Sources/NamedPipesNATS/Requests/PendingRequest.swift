// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesRPC
internal import PipeReactor

/// A request that waits: for the link to be connected, then for its answer.
final class PendingRequest {
    typealias Report = (Result<JSONText, any Error>) -> Void

    /// What is sent, and how its answer is read.
    struct Message {
        var subject: String
        var headers: [MessageHeader] = []
        var payload: [UInt8]
        /// Whether the receiver recognizes it when it comes twice: it is sent again after the connection was lost.
        var isRepeatable = false
        var outcome: (borrowing BrokerMessage) -> Result<JSONText, any Error> = ServiceReply.outcome
    }

    let token = SessionToken.random()
    /// Requests are sent in this order.
    let number: UInt64
    private unowned let link: NATSLink
    private let message: Message
    private var report: Report?
    private var timer: ScheduledWork?
    /// Of its own, so that the broker's word that there is no server names this request.
    private var answers: BrokerListening?

    init(_ link: NATSLink, _ message: Message, timeout: Duration, _ report: @escaping Report) {
        self.link = link
        number = link.nextRequestNumber()
        self.message = message
        self.report = report
        timer = link.reactor.schedule(after: timeout) { [unowned self] in
            end(.failure(JSONRPCRequestFailure.timedOut(timeout)))
        }
    }

    /// The link is connected.
    func linkDidConnect() {
        guard answers == nil else { return }
        do { try send() } catch { fail(error) }
    }

    func send() throws(NATSError) {
        guard let line = link.line else { return }
        let limit = line.connection.maximumPayload
        let count = message.payload.count + BrokerConnection.byteCount(of: message.headers)
        guard count <= limit else { throw .messageTooLarge(byteCount: count, limit: limit) }
        // One word more than the subjects of sessions, which the link receives together.
        let inbox = "\(link.inbox)request.\(token)"
        answers = BrokerListening(try line.connection.subscribe(to: inbox))
        let (subject, reply) = (Array(message.subject.utf8) + [0], Array(inbox.utf8) + [0])
        if message.headers.isEmpty {
            try line.connection.publish(to: subject, reply: reply, message.payload)
        } else {
            try line.connection.publish(to: subject, reply: reply, headers: message.headers, message.payload)
        }
        link.schedule()
    }

    /// A request that was not sent waits for the next connection, and so does one that may be sent again.
    func linkDidFail(_ error: NATSError) {
        guard answers != nil else { return }
        guard message.isRepeatable else { return fail(error) }
        answers = nil
    }

    /// Whether a text of the broker about a subject is about this one.
    func isMeant(by text: String) -> Bool { text.contains("\"\(message.subject)\"") }

    func lookForAnswer() {
        switch answers?.subscription.answer() {
        case .message(let answer): end(message.outcome(answer))
        case .noResponders: fail(NATSError.noServer(subject: message.subject))
        case nil: break
        }
    }

    func fail(_ error: any Error) { end(.failure(error)) }

    /// The caller does not wait any more.
    func cancel() { fail(CancellationError()) }

    private func end(_ result: Result<JSONText, any Error>) {
        guard let report = report.take() else { return }
        timer?.cancel()
        answers = nil
        link.requests[token] = nil
        link.schedule()
        report(result)
    }
}
#endif
