// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesRPC
internal import PipeReactor

/// A request that waits: for the link to be connected, then for its answer.
final class PendingRequest {
    typealias Report = (Result<JSONText, any Error>) -> Void

    let token = SessionToken.random()
    /// Requests are sent in this order.
    let number: UInt64
    private unowned let link: NATSLink
    private let subject: String
    private let payload: [UInt8]
    private var report: Report?
    private var timer: ScheduledWork?
    /// Of its own, so that the broker's word that there is no server names this request.
    private var answers: BrokerListening?

    init(_ link: NATSLink, to subject: String, _ payload: [UInt8], timeout: Duration, _ report: @escaping Report) {
        self.link = link
        number = link.nextRequestNumber()
        self.subject = subject
        self.payload = payload
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
        guard payload.count <= limit else { throw .messageTooLarge(byteCount: payload.count, limit: limit) }
        // One word more than the subjects of sessions, which the link receives together.
        let inbox = "\(link.inbox)request.\(token)"
        answers = BrokerListening(try line.connection.subscribe(to: inbox))
        try line.connection.publish(to: Array(subject.utf8) + [0], reply: Array(inbox.utf8) + [0], payload)
        link.schedule()
    }

    /// A request that was not sent waits for the next connection.
    func linkDidFail(_ error: NATSError) { if answers != nil { fail(error) } }

    /// Whether a text of the broker about a subject is about this one.
    func isMeant(by text: String) -> Bool { text.contains("\"\(subject)\"") }

    func lookForAnswer() {
        switch answers?.subscription.answer() {
        case .message(let message): end(ServiceReply.outcome(of: message))
        case .noResponders: fail(NATSError.noServer(subject: subject))
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
