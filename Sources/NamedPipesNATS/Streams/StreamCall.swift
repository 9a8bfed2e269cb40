// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesRPC

/// A request to JetStream: to a subject of its API, or to one of a stream's. The library's own functions for that
/// (`js_*`) block.
struct StreamCall {
    private let stream: NATSStream
    private let message: PendingRequest.Message
    private let isForAPI: Bool

    /// An answer whose content does not matter.
    struct Done: Decodable {}

    /// - Parameter verb: what follows `$JS.API.` in the subject.
    init(_ stream: NATSStream, api verb: String) {
        self.init(stream, api: verb, content: [])
    }

    init(_ stream: NATSStream, api verb: String, _ content: some Encodable) throws(NATSError) {
        do {
            self.init(stream, api: verb, content: try JSONText(encoding: content).bytes)
        } catch {
            throw .invalidConfiguration("\(error)")
        }
    }

    private init(_ stream: NATSStream, api verb: String, content: [UInt8]) {
        self.stream = stream
        isForAPI = true
        // What is asked here may be asked twice: a creation with the same configuration changes nothing.
        message = .init(subject: "$JS.API.\(verb)", payload: content, isRepeatable: true, outcome: Self.json)
    }

    init(_ stream: NATSStream, publishing content: [UInt8], to subject: String, id: String) {
        self.stream = stream
        isForAPI = false
        message = .init(
            subject: subject, headers: [("Nats-Msg-Id", id), ("Nats-Expected-Stream", stream.name)], payload: content,
            isRepeatable: true, outcome: Self.json)
    }

    private static func json(of message: borrowing BrokerMessage) -> Result<JSONText, any Error> {
        do { return .success(try JSONText(message.content)) } catch { return .failure(error) }
    }

    /// - Returns: what the link knows the request by.
    @discardableResult
    func start<Reply: Decodable>(
        timeout: Duration, _ report: @escaping (Result<Reply, NATSError>) -> Void
    ) throws(NATSError) -> SessionToken {
        guard stream.link.state != .closed else { throw .closed }
        let request = PendingRequest(stream.link, message, timeout: timeout) { [self] outcome in
            report(result(outcome))
        }
        return stream.link.start(request)
    }

    private func result<Reply: Decodable>(_ outcome: Result<JSONText, any Error>) -> Result<Reply, NATSError> {
        do {
            let text = try outcome.get()
            if let problem = try text.decode(as: StreamProblem.Reply.self).error {
                return .failure(problem.error(of: stream.name, message.subject))
            }
            return .success(try text.decode(as: Reply.self))
        } catch {
            return .failure(self.error(error))
        }
    }

    private func error(_ error: any Error) -> NATSError {
        switch error {
        case NATSError.noServer where isForAPI: .noJetStream
        case let error as NATSError: error
        case JSONRPCRequestFailure.timedOut(let time): .timedOut(time)
        // Its task was cancelled, which reports that itself.
        case is CancellationError: .closed
        default: .jetStream(code: 0, "an answer that is not understood: \(error)")
        }
    }
}

/// What JetStream refuses, as its answers have it.
struct StreamProblem: Decodable {
    let code: Int?
    let description: String?

    enum CodingKeys: String, CodingKey {
        case code = "err_code"
        case description
    }

    struct Reply: Decodable {
        let error: StreamProblem?
    }

    /// The codes are those of nats-server's `server/errors.json`.
    func error(of stream: String, _ subject: String) -> NATSError {
        let text = description ?? "no reason given"
        switch code {
        case 10014: return .consumerDeleted(String(subject.split(separator: ".").last ?? ""))
        case 10039, 10076: return .noJetStream
        case 10058: return .streamDiffers(stream)
        case 10059: return .noStream(stream)
        case 10060: return .notInStream(stream, subject: subject)
        // Everything that the storage refuses has this code.
        case 10077 where text.hasPrefix("maximum "): return .streamFull(stream, text)
        default: return .jetStream(code: code ?? 0, text)
        }
    }
}

extension NATSError {
    /// Whether a cluster says so for a moment only, while it elects a leader.
    var isPassing: Bool {
        switch self {
        case .timedOut, .jetStream(code: 10008, _): true
        default: false
        }
    }

    /// Whether it passes where there was a stream before: the connection was lost before the loop has heard of it, or
    /// the brokers that store streams are starting again.
    var isPassingLater: Bool {
        switch self {
        case .connectionLost, .noJetStream: true
        default: false
        }
    }
}

/// The answer to a creation, and to a question for the state.
struct StreamInfoReply: Decodable {
    struct State: Decodable {
        let messageCount: Int
        let byteCount: Int
        let firstSequence: UInt64
        let lastSequence: UInt64
        let consumerCount: Int

        enum CodingKeys: String, CodingKey {
            case messageCount = "messages"
            case byteCount = "bytes"
            case firstSequence = "first_seq"
            case lastSequence = "last_seq"
            case consumerCount = "consumer_count"
        }
    }

    let state: State

    var info: NATSStream.Info {
        NATSStream.Info(
            messageCount: state.messageCount, byteCount: state.byteCount, firstSequence: state.firstSequence,
            lastSequence: state.lastSequence, consumerCount: state.consumerCount)
    }
}

/// The answer to a published message.
struct PublishReply: Decodable {
    let sequence: UInt64
    let isDuplicate: Bool?

    enum CodingKeys: String, CodingKey {
        case sequence = "seq"
        case isDuplicate = "duplicate"
    }

    var receipt: NATSStream.Receipt { NATSStream.Receipt(sequence: sequence, isDuplicate: isDuplicate ?? false) }
}
#endif
