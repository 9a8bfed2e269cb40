// SPDX-License-Identifier: Apache-2.0
#if NATS
public import NamedPipesRPC
public import PipeReactor

extension NATSLink {
    /// Serves methods to any NATS client in any language, without sessions.
    ///
    /// ```swift
    /// var methods = JSONRPCMethods()
    /// methods.handle("add") { (pair: Pair, call) in pair.left + pair.right }
    /// let service = try link.serve(methods, at: "sums")
    /// ```
    ///
    ///     nats request sums.add '{"left": 1, "right": 2}'       # 3
    ///     nats micro list
    ///
    /// A method's subject is the name, a dot and the method. A request's content is the parameters as JSON, the answer
    /// is the result as JSON; an error is in the headers `Nats-Service-Error-Code` and `Nats-Service-Error`, and its
    /// content is the error object of JSON-RPC 2.0. A message without a reply subject is a notification. The service
    /// announces itself with NATS's service protocol (ADR-32: `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`).
    ///
    /// A handler's `call.peer` has no connection: a caller without a session cannot be asked anything.
    ///
    /// The broker's permissions decide who may call: those for publishing to `NAME.>`. The link needs the permission to
    /// subscribe to `NAME.>` and `$SRV.>`, and to publish to the callers' inboxes.
    ///
    /// - Parameters:
    ///   - methods: the methods, whose handlers run on the reactor's thread.
    ///   - name: the name; see ``name(_:)``. In announcements, a dash takes the place of a dot.
    ///   - configuration: the default announces version 0.0.0.
    /// - Throws: ``NATSError/invalidName(_:)`` or ``NATSError/closed``.
    @discardableResult
    public func serve(
        _ methods: JSONRPCMethods, at name: String,
        configuration: NATSService.Configuration = NATSService.Configuration()
    ) throws(NATSError) -> NATSService {
        guard state != .closed else { throw .closed }
        let service = NATSService(try self.name(name), methods, configuration)
        add(service)
        return service
    }

    /// Calls a method of a service, such as one of ``serve(_:at:configuration:)``, and reports its answer.
    ///
    /// If the link is not connected, it waits for that within the timeout. If the connection is lost afterwards, the
    /// request fails, and it is not known whether the service has received it.
    ///
    /// - Parameters:
    ///   - name: the service's name.
    ///   - method: the method.
    ///   - params: the parameters; nil for none.
    ///   - metadata: headers to send with it, such as `traceparent`. Names that cannot be a header's are omitted. The
    ///     default is none.
    ///   - timeout: how long to wait for the answer. The default is 5 s.
    ///   - report: called once, from the loop: with the result; or with a `JSONRPCError` of the service,
    ///     `JSONRPCRequestFailure.timedOut`, a `JSONSyntaxError` if the answer is not JSON, or a ``NATSError``, above
    ///     all ``NATSError/noServer(subject:)``.
    /// - Throws: ``NATSError/invalidName(_:)`` or ``NATSError/closed``.
    public func requestJSON(
        _ name: String, _ method: String, _ params: JSONText? = nil, metadata: [String: String] = [:],
        timeout: Duration = .seconds(5), _ report: @escaping (Result<JSONText, any Error>) -> Void
    ) throws(NATSError) {
        try begin(name, method, params, metadata, timeout, report)
    }

    @discardableResult
    fileprivate func begin(
        _ name: String, _ method: String, _ params: JSONText?, _ metadata: [String: String], _ timeout: Duration,
        _ report: @escaping PendingRequest.Report
    ) throws(NATSError) -> SessionToken {
        guard state != .closed else { throw .closed }
        let subject = "\(try self.name(name).text).\(method)"
        guard NATSName.isConcreteSubject(method) else { throw .invalidName(subject) }
        let headers = metadata.filter { NATSName.isHeaderName($0.key) }.map { ($0.key, ServiceReply.line($0.value)) }
        let message = PendingRequest.Message(subject: subject, headers: headers, payload: params?.bytes ?? [])
        return start(PendingRequest(self, message, timeout: timeout, report))
    }

    /// Sends a request, as soon as the link is connected.
    @discardableResult
    func start(_ request: PendingRequest) -> SessionToken {
        requests[request.token] = request
        do {
            try request.send()
        } catch {
            // From the loop, because nothing is reported inside this call.
            reactor.schedule(after: .zero) { [weak request] in request?.fail(error) }
        }
        return request.token
    }

    /// In the order in which they were made.
    var requestsInOrder: [PendingRequest] { requests.values.sorted { $0.number < $1.number } }

    func nextRequestNumber() -> UInt64 {
        lastRequestNumber += 1
        return lastRequestNumber
    }
}

extension ReactorReference where Object == NATSLink {
    /// Calls a method of a service, from any task, and waits for its answer.
    ///
    /// ```swift
    /// let sum: Int = try await link.reference.request("sums", "add", Pair(left: 1, right: 2))
    /// ```
    ///
    /// A task that is cancelled stops waiting; the service is not told.
    ///
    /// - Parameters:
    ///   - name: the service's name.
    ///   - method: the method.
    ///   - params: the parameters.
    ///   - metadata: what travels beside them in the message's headers, such as `traceparent`. The default is nothing.
    ///   - timeout: how long to wait for the answer. The default is 5 s.
    /// - Throws: as `NATSLink.requestJSON`; `JSONRPCRequestFailure.undecodableReply` if the answer is of another type;
    ///   ``NATSError/closed`` if the link or its reactor is gone; `CancellationError`.
    public func request<Reply: Decodable>(
        _ name: String, _ method: String, _ params: some Encodable, metadata: [String: String] = [:],
        timeout: Duration = .seconds(5)
    ) async throws -> Reply {
        let params = try JSONText(encoding: params)
        return try Self.decode(try await requestJSON(name, method, params, metadata: metadata, timeout: timeout))
    }

    /// Calls a method without parameters; see ``request(_:_:_:metadata:timeout:)``.
    public func request<Reply: Decodable>(
        _ name: String, _ method: String, metadata: [String: String] = [:], timeout: Duration = .seconds(5)
    ) async throws -> Reply {
        try Self.decode(try await requestJSON(name, method, nil, metadata: metadata, timeout: timeout))
    }

    /// Calls a method with JSON of any shape, and returns the result as it is; see
    /// ``request(_:_:_:metadata:timeout:)``.
    public func requestJSON(
        _ name: String, _ method: String, _ params: JSONText?, metadata: [String: String] = [:],
        timeout: Duration = .seconds(5)
    ) async throws -> JSONText {
        try await outcome { link, report throws(NATSError) in
            try link.begin(name, method, params, metadata, timeout, report)
        }
    }

    /// Makes a request of a link, and waits for what comes of it. A task that is cancelled does not wait.
    ///
    /// - Parameter begin: called on the reactor's thread.
    func outcome<Value: Sendable>(
        _ begin:
            @escaping @Sendable (
                _ link: NATSLink, _ report: @escaping (Result<Value, any Error>) -> Void
            ) throws(NATSError) -> SessionToken
    ) async throws -> Value {
        let cancellation = RequestCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let wait = RequestWait(continuation)
                perform { link in
                    do throws(NATSError) {
                        let token = try begin(link) { wait.finish($0) }
                        if cancellation.begin(token) { link.requests[token]?.cancel() }
                    } catch {
                        wait.finish(.failure(error))
                    }
                }
            }
        } onCancel: {
            if let token = cancellation.cancel() { perform { $0.requests[token]?.cancel() } }
        }
    }

    private static func decode<Reply: Decodable>(_ reply: JSONText) throws -> Reply {
        do {
            return try reply.decode(as: Reply.self)
        } catch {
            throw JSONRPCRequestFailure.undecodableReply(reply, error)
        }
    }
}
#endif
