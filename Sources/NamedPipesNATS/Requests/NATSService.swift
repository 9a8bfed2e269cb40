// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import FoundationEssentials
internal import NamedPipes
public import NamedPipesRPC
internal import PipeReactor

/// Methods that any NATS client can call, without a session: made by ``NATSLink/serve(_:at:configuration:)``.
///
/// The service is a member of a queue group: each request comes to one of the processes that serve the same name. It
/// belongs to its reactor's thread. The link retains it until it has stopped.
public final class NATSService {
    /// What a service announces, and its limits.
    public struct Configuration: Sendable {
        /// The version that it announces, three numbers with dots between them. The default is "0.0.0".
        public var version = "0.0.0"

        /// A sentence that it announces. The default is empty.
        public var description = ""

        /// How many requests are handled at a time, and how many bytes of requests wait behind them; requests above
        /// both are refused with `JSONRPCError.Code.tooManyRequests`. Also the encoding, the interceptor, and the
        /// events of handlers. What is about a connection has no effect.
        public var peer = JSONRPCPeer.Configuration()

        /// The defaults.
        public init() {}
    }

    /// The name at the broker. The subjects of its methods begin with it.
    public let name: NATSName

    /// Distinguishes it from all other members of the group, in its announcements.
    public let id = "\(SessionToken.random())"

    let configuration: Configuration
    let methods: JSONRPCMethods
    private let started = Date.now.ISO8601Format()
    private weak var link: NATSLink?
    private var listening: (calls: BrokerListening, discovery: [BrokerListening])?

    // The calls.
    private var peer: JSONRPCPeer?
    private var waiting: [ServiceCall] = []
    private var waitingByteCount = 0
    private var running: [UInt64: Task<Void, Never>] = [:]
    private var lastNumber: UInt64 = 0
    private var counts: [String: EndpointCounts] = [:]
    private var grace: ScheduledWork?
    private var isGraceOver = false
    /// Whether the broker may have sent requests that have not arrived.
    private var isLeaving = false

    /// Whether ``stop(gracePeriod:)`` was called.
    public private(set) var isStopping = false

    /// Whether it has stopped, and no request is left.
    public var isStopped: Bool { isStopping && !isLeaving && running.isEmpty && waiting.isEmpty }

    /// How many requests are being handled.
    public var handledRequestCount: Int { running.count }

    init(_ name: NATSName, _ methods: JSONRPCMethods, _ configuration: Configuration) {
        precondition(configuration.peer.handledRequestLimit > 0, "a service that handles nothing")
        self.name = name
        self.methods = methods
        self.configuration = configuration
        link = name.link
        for method in methods.names { counts[method] = EndpointCounts() }
        makePeer()
    }

    /// Calls find it there; see `JSONRPCCall.peer`.
    private func makePeer() {
        // Used on the reactor's thread only, as the task is.
        nonisolated(unsafe) weak let service = self
        let (methods, configuration, address) = (methods, configuration.peer, name.shownAddress)
        let executor = name.link.reactor.executor
        Task(executorPreference: executor) {
            let peer = try await JSONRPCPeer.withoutConnection(
                methods: methods, configuration: configuration, on: executor, shownAs: address)
            unsafe service?.begin(peer)
        }
    }

    private func begin(_ peer: JSONRPCPeer) {
        self.peer = peer
        startWaiting()
    }

    /// Leaves the group: the broker gives requests to its other members from now on. Requests that have arrived are
    /// still handled, for as long as the grace period lasts; then handlers are cancelled, and the rest is answered with
    /// `JSONRPCError.Code.stopping`. So are requests that the broker has just sent.
    ///
    /// - Parameter grace: the time that this may take. The default is none.
    public func stop(gracePeriod grace: Duration = .zero) {
        if !isStopping {
            isStopping = true
            leaveGroup()
        }
        guard grace > .zero, !isStopped else { return endGrace() }
        self.grace?.cancel()
        self.grace = link?.reactor.schedule(after: grace) { [weak self] in self?.endGrace() }
    }

    private func leaveGroup() {
        guard let calls = listening.take()?.calls, let link else { return }
        isLeaving = true
        link.leave(calls) { [self] in
            accept(call(in: $0))
        } whenLeft: { [self] in
            isLeaving = false
            leaveIfStopped()
        }
    }

    private func endGrace() {
        isGraceOver = true
        for call in waiting { answer(call, .failure(.stopping)) }
        waiting = []
        waitingByteCount = 0
        for task in running.values { task.cancel() }
        leaveIfStopped()
    }

    private func leaveIfStopped() {
        guard isStopped else { return }
        grace?.cancel()
        link?.listeners[ObjectIdentifier(self)] = nil
    }

    // MARK: Calls

    private func receiveCalls(_ calls: BrokerListening) {
        while let message = calls.next() { accept(call(in: message)) }
    }

    private func call(in message: borrowing BrokerMessage) -> ServiceCall {
        ServiceCall(
            method: String(message.subject.dropFirst(name.text.count + 1)), payload: message.content,
            metadata: ServiceCall.metadata(of: message), reply: message.reply)
    }

    private func accept(_ call: ServiceCall) {
        guard !isGraceOver else { return answer(call, .failure(.stopping)) }
        if running.count < configuration.peer.handledRequestLimit, waiting.isEmpty, peer != nil { return start(call) }
        guard waitingByteCount < configuration.peer.waitingByteLimit else {
            return answer(call, .failure(.tooManyRequests(limit: configuration.peer.handledRequestLimit)))
        }
        waitingByteCount += call.charge
        waiting.append(call)
    }

    private func startWaiting() {
        while let call = waiting.first, running.count < configuration.peer.handledRequestLimit {
            waiting.removeFirst()
            waitingByteCount -= call.charge
            start(call)
        }
    }

    private func start(_ call: ServiceCall) {
        guard let peer, let executor = link?.reactor.executor else { return }
        let start = ContinuousClock.now
        lastNumber += 1
        let number = lastNumber
        // Used on the reactor's thread only, as the task is.
        nonisolated(unsafe) let service = self
        running[number] = Task(executorPreference: executor) {
            let outcome = await call.outcome(on: peer)
            unsafe service.didHandle(number, call, outcome, .now - start)
        }
    }

    private func didHandle(
        _ number: UInt64, _ call: ServiceCall, _ outcome: Result<JSONText, JSONRPCError>, _ time: Duration
    ) {
        running[number] = nil
        if case .failure(let error) = outcome {
            counts[call.method]?.count(time, error: "\(error.code.rawValue):\(error.message)")
        } else {
            counts[call.method]?.count(time, error: nil)
        }
        answer(call, outcome)
        startWaiting()
        leaveIfStopped()
    }

    private func answer(_ call: ServiceCall, _ outcome: Result<JSONText, JSONRPCError>) {
        guard !call.reply.isEmpty, let link, let line = link.line else { return }
        do throws(NATSError) {
            do throws(NATSError) {
                try call.publish(outcome, on: line)
            } catch .messageTooLarge(let count, let limit) {
                configuration.peer.onEvent(
                    .unsendableReply(NATSError.messageTooLarge(byteCount: count, limit: limit)))
                try call.publish(.failure(.internalError), on: line)
            }
        } catch {
            configuration.peer.onEvent(.unsendableReply(error))
        }
        link.schedule()
    }
}

extension NATSService: LinkListener {
    func subscribe(on line: BrokerLine) throws(NATSError) {
        guard !isStopping else { return }
        let calls = BrokerListening(try line.connection.subscribe(to: "\(name.text).>", group: Self.group))
        // Each member answers, and so these have no group.
        var discovery: [BrokerListening] = []
        for subject in ["$SRV.*", "$SRV.*.\(announcedName)", "$SRV.*.\(announcedName).\(id)"] {
            discovery.append(BrokerListening(try line.connection.subscribe(to: subject)))
        }
        listening = (calls, discovery)
    }

    func receive(on line: BrokerLine) {
        guard let listening else { return }
        receiveCalls(listening.calls)
        for discovery in listening.discovery {
            while let question = discovery.next() { answer(question) }
        }
    }

    func linkDidEnd() { stop() }

    /// The queue group of NATS's own service frameworks, whose servers may serve the same name.
    static let group = "q"
}

// MARK: - Discovery

extension NATSService {
    /// A service's name has no dots.
    var announcedName: String { name.text.split(separator: ".").joined(separator: "-") }

    private func answer(_ question: borrowing BrokerMessage) {
        let words = question.subject.split(separator: ".")
        guard words.count > 1, let verb = ServiceAnnouncement.Verb(rawValue: String(words[1])) else { return }
        let reply = question.reply
        guard !reply.isEmpty, let answer = try? JSONText(encoding: announcement(verb)) else { return }
        link?.publish(answer.bytes, to: reply)
    }

    private func announcement(_ verb: ServiceAnnouncement.Verb) -> ServiceAnnouncement {
        var announcement = ServiceAnnouncement(
            type: verb.type, name: announcedName, id: id, version: configuration.version, metadata: [:])
        switch verb {
        case .ping: break
        case .info:
            announcement.description = configuration.description
            announcement.endpoints = endpoints { $0.metadata = [:] }
        case .statistics:
            announcement.started = started
            announcement.endpoints = endpoints { $0.counts = counts[$0.name] }
        }
        return announcement
    }

    private func endpoints(_ complete: (inout ServiceAnnouncement.Endpoint) -> Void) -> [ServiceAnnouncement.Endpoint] {
        methods.names.map { method in
            var endpoint = ServiceAnnouncement.Endpoint(
                name: method, subject: "\(name.text).\(method)", queueGroup: Self.group)
            complete(&endpoint)
            return endpoint
        }
    }
}

@available(*, unavailable, message: "a service belongs to its reactor's thread")
extension NATSService: Sendable {}
#endif
