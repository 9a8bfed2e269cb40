// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesRPC

/// A stream of NATS's JetStream: the broker stores messages, and hands each to a consumer until that acknowledges it.
///
/// ```swift
/// let orders = try link.stream("orders")
/// var configuration = NATSStream.Configuration()
/// configuration.subjects = ["orders.>"]
/// try orders.create(configuration) { print($0) }
/// try orders.publish(order, to: "orders.new") { verdict in print(verdict) }
/// try orders.consume(as: "billing") { message, delivery in try bill(message) }
/// ```
///
/// It is a name: it may be made before the link is connected, and as often as you like. All its calls wait for the link
/// within their timeouts, and report from the loop, never inside the call.
///
/// The link needs the broker's permission to publish to `$JS.API.>` and `$JS.ACK.>`.
public struct NATSStream {
    /// The link through which it is reached.
    public let link: NATSLink

    /// The name: letters, digits, `-` and `_`; at most 128 bytes.
    public let name: String

    init(_ link: NATSLink, _ name: String) throws(NATSError) {
        guard Self.isName(name) else { throw .invalidName(name) }
        self.link = link
        self.name = name
    }

    /// Whether a stream or a consumer may have this name.
    static func isName(_ text: String) -> Bool { NATSName.isValid(text) && !text.utf8.contains(UInt8(ascii: ".")) }

    // MARK: The stream itself

    /// Creates the stream if there is none of this name (`$JS.API.STREAM.CREATE`).
    ///
    /// - Parameters:
    ///   - configuration: what the stream stores, and its limits. Without subjects, it has one: its name.
    ///   - timeout: how long to wait for the answer. The default is 5 s.
    ///   - report: called once, with the stream's state, which may have existed with the same configuration; or with
    ///     ``NATSError/streamDiffers(_:)``, ``NATSError/noJetStream``, or another error.
    /// - Throws: ``NATSError/closed``.
    public func create(
        _ configuration: Configuration = Configuration(), timeout: Duration = .seconds(5),
        _ report: @escaping (Result<Info, NATSError>) -> Void
    ) throws(NATSError) {
        var wire = configuration.wire
        wire.name = name
        if wire.subjects.isEmpty { wire.subjects = [name] }
        let call = try StreamCall(self, api: "STREAM.CREATE.\(name)", wire)
        try call.start(timeout: timeout) { (reply: Result<StreamInfoReply, NATSError>) in report(reply.map(\.info)) }
    }

    /// Asks for the stream's state (`$JS.API.STREAM.INFO`).
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for the answer. The default is 5 s.
    ///   - report: called once, with the state, ``NATSError/noStream(_:)``, or another error.
    /// - Throws: ``NATSError/closed``.
    public func info(
        timeout: Duration = .seconds(5), _ report: @escaping (Result<Info, NATSError>) -> Void
    ) throws(NATSError) {
        let call = StreamCall(self, api: "STREAM.INFO.\(name)")
        try call.start(timeout: timeout) { (reply: Result<StreamInfoReply, NATSError>) in report(reply.map(\.info)) }
    }

    /// The state of a stream.
    public struct Info: Hashable, Sendable {
        /// How many messages it stores.
        public var messageCount: Int
        /// How many bytes these have, headers and the broker's overhead included.
        public var byteCount: Int
        /// The sequence number of the oldest message; 0 if there never was one.
        public var firstSequence: UInt64
        /// The sequence number of the newest message; 0 if there never was one.
        public var lastSequence: UInt64
        /// How many consumers it has.
        public var consumerCount: Int
    }

    // MARK: Messages

    /// Publishes a message, and reports the broker's verdict: whether the stream has stored it.
    ///
    /// If the connection is lost before the verdict, the message is sent again on the next one, within the timeout. The
    /// stream recognizes it by its ID, and stores it once.
    ///
    /// - Parameters:
    ///   - message: its bytes; with about 150 bytes of headers, at most what the broker accepts (`max_payload`).
    ///   - subject: one of the stream's subjects. The default is nil: the stream's name.
    ///   - id: what identifies the message (`Nats-Msg-Id`) when your program publishes it again, for example after a
    ///     restart: without control characters. The default is nil: a random one.
    ///   - timeout: how long to wait for the verdict. The default is 5 s.
    ///   - report: called once, from the loop. After ``NATSError/timedOut(_:)``, ``NATSError/closed`` and
    ///     ``NATSError/jetStream(code:_:)`` with the code 0, the message may have been stored: publish it again with
    ///     the same ID. All other failures say that it was not stored when it was sent for the last time:
    ///     ``NATSError/streamFull(_:_:)``,
    ///     ``NATSError/notInStream(_:subject:)``, ``NATSError/noJetStream``,
    ///     ``NATSError/messageTooLarge(byteCount:limit:)`` and others.
    /// - Throws: ``NATSError/invalidName(_:)`` for a subject with wildcards or an ID with control characters;
    ///   ``NATSError/closed``.
    public func publish(
        _ message: [UInt8], to subject: String? = nil, id: String? = nil, timeout: Duration = .seconds(5),
        _ report: @escaping (Result<Receipt, NATSError>) -> Void
    ) throws(NATSError) {
        _ = try beginPublishing(message, to: subject, id: id, timeout: timeout, report)
    }

    /// Publishes the UTF-8 bytes of a text; see ``publish(_:to:id:timeout:_:)-([UInt8],_,_,_,_)``.
    public func publish(
        _ message: String, to subject: String? = nil, id: String? = nil, timeout: Duration = .seconds(5),
        _ report: @escaping (Result<Receipt, NATSError>) -> Void
    ) throws(NATSError) {
        try publish(Array(message.utf8), to: subject, id: id, timeout: timeout, report)
    }

    /// Where a message is stored.
    public struct Receipt: Hashable, Sendable {
        /// Its sequence number in the stream; the first message has 1.
        public var sequence: UInt64
        /// Whether a message with the same ID had been stored before, under this number. This one was not.
        public var isDuplicate: Bool
    }

    func beginPublishing(
        _ message: [UInt8], to subject: String?, id: String?, timeout: Duration,
        _ report: @escaping (Result<Receipt, NATSError>) -> Void
    ) throws(NATSError) -> SessionToken {
        let (subject, id) = (subject ?? name, id ?? "\(SessionToken.random())")
        guard NATSName.isConcreteSubject(subject) else { throw .invalidName(subject) }
        guard !id.isEmpty, id.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .invalidName(id) }
        let call = StreamCall(self, publishing: message, to: subject, id: id)
        return try call.start(timeout: timeout) { [self] (reply: Result<PublishReply, NATSError>) in
            guard case .failure(.noServer) = reply else { return report(reply.map(\.receipt)) }
            explainMissing(subject) { report(.failure($0)) }
        }
    }

    /// Nothing has subscribed to a subject. Asks whether that is because there is no JetStream at all.
    private func explainMissing(_ subject: String, _ report: @escaping (NATSError) -> Void) {
        let isMissing = NATSError.notInStream(name, subject: subject)
        do throws(NATSError) {
            try StreamCall(self, api: "INFO").start(timeout: .seconds(2)) {
                (reply: Result<StreamCall.Done, NATSError>) in
                if case .failure(.noJetStream) = reply { report(.noJetStream) } else { report(isMissing) }
            }
        } catch {
            report(isMissing)
        }
    }
}

extension NATSLink {
    /// A stream at the link's broker, which may not exist yet; see ``NATSStream/create(_:timeout:_:)``.
    ///
    /// - Parameter name: letters, digits, `-` and `_`; at most 128 bytes.
    /// - Throws: ``NATSError/invalidName(_:)``.
    public func stream(_ name: String) throws(NATSError) -> NATSStream { try NATSStream(self, name) }
}

@available(*, unavailable, message: "a stream belongs to its link, and that to its reactor's thread")
extension NATSStream: Sendable {}
#endif
