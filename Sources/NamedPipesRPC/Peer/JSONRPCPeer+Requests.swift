// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

extension JSONRPCPeer {
    /// Makes a request of the other end, and waits for its reply.
    ///
    /// - Parameters:
    ///   - method: the name of the method.
    ///   - params: must be encoded as a JSON object or array.
    ///   - timeout: how long to wait. The default is ``Configuration/requestTimeout``.
    /// - Returns: the reply.
    /// - Throws: ``JSONRPCError`` from the other end; ``JSONRPCRequestFailure``; `CancellationError`; the errors of
    ///   `AsyncPipeConnection.send(_:)` for a message that cannot be sent.
    public nonisolated func request<Reply: Decodable>(
        _ method: String, _ params: some Encodable, timeout: Duration? = nil
    ) async throws -> Reply {
        try decodeReply(try await requestJSON(method, try encodeParams(params), timeout: timeout))
    }

    /// Makes a request without parameters; see ``request(_:_:timeout:)->Reply``.
    public nonisolated func request<Reply: Decodable>(_ method: String, timeout: Duration? = nil) async throws -> Reply
    {
        try decodeReply(try await requestJSON(method, nil, timeout: timeout))
    }

    /// Makes a request and waits until it is done, whatever the reply; see ``request(_:_:timeout:)->Reply``.
    public nonisolated func request(_ method: String, _ params: some Encodable, timeout: Duration? = nil) async throws {
        _ = try await requestJSON(method, try encodeParams(params), timeout: timeout)
    }

    /// Makes a request without parameters and waits until it is done; see ``request(_:_:timeout:)->Reply``.
    public nonisolated func request(_ method: String, timeout: Duration? = nil) async throws {
        _ = try await requestJSON(method, nil, timeout: timeout)
    }

    /// Makes a request with JSON of any shape, and returns the reply as it is; see ``request(_:_:timeout:)->Reply``.
    public func requestJSON(_ method: String, _ params: JSONText?, timeout: Duration? = nil) async throws -> JSONText {
        try checkStructured(params)
        return try await intercept(.request, method) { metadata in
            try await ask(method, params, metadata, timeout)
        }
    }

    private func ask(
        _ method: String, _ params: JSONText?, _ metadata: [String: String], _ timeout: Duration?
    ) async throws -> JSONText {
        try await exchange(1, timeout: timeout) { numbers in
            OutgoingMessage.request(
                method, params, id: .number(numbers[0]), metadata: metadata, configuration.metadataPlace)
        } _: { peer, numbers in
            try await peer.reply(to: numbers[0])
        }
    }

    /// Sends a notification to the other end. There is no reply.
    ///
    /// - Throws: ``JSONRPCRequestFailure/paramsNotStructured(_:)``; the errors of `AsyncPipeConnection.send(_:)`.
    public nonisolated func notify(_ method: String, _ params: some Encodable) async throws {
        try await notifyJSON(method, try encodeParams(params))
    }

    /// Sends a notification without parameters.
    public nonisolated func notify(_ method: String) async throws { try await notifyJSON(method, nil) }

    /// Sends a notification with JSON of any shape.
    public func notifyJSON(_ method: String, _ params: JSONText?) async throws {
        try checkStructured(params)
        try await intercept(.notification, method) { metadata in
            _ = try await connection.send(
                OutgoingMessage.request(method, params, id: nil, metadata: metadata, configuration.metadataPlace))
        }
    }

    nonisolated func encodeParams(_ params: some Encodable) throws -> JSONText {
        try configuration.coding.encode(params)
    }

    nonisolated func decodeReply<Reply: Decodable>(_ reply: JSONText) throws -> Reply {
        do {
            return try configuration.coding.decode(Reply.self, from: reply)
        } catch {
            throw JSONRPCRequestFailure.undecodableReply(reply, error)
        }
    }

    nonisolated func checkStructured(_ params: JSONText?) throws(JSONRPCRequestFailure) {
        if let params, !params.isStructured { throw .paramsNotStructured(params) }
    }
}
