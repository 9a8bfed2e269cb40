// SPDX-License-Identifier: Apache-2.0

// Streams of partial replies, as in LSP: `$/progress` notifications with a token that the request contains.
extension JSONRPCPeer {
    /// A token that no other stream of this peer has.
    public func makeProgressToken() -> JSONRPCID {
        lastToken += 1
        return .number(lastToken)
    }

    /// Makes a request, and receives the parts that the other end sends before its reply.
    ///
    /// ```swift
    /// let token = await peer.makeProgressToken()
    /// let count: Int = try await peer.request(
    ///     "search", Search(text: "pipe", partialResultToken: token), progressToken: token
    /// ) { (match: Match) in print(match) }
    /// ```
    ///
    /// - Parameters:
    ///   - method: the name of the method.
    ///   - params: must contain the token, where both ends agree to; in LSP, as `partialResultToken` or
    ///     `workDoneToken`.
    ///   - token: see ``makeProgressToken()``.
    ///   - timeout: how long to wait for the reply. The default is ``Configuration/requestTimeout``.
    ///   - onProgress: receives the parts in order, on the reactor's thread, all of them before the reply. It must not
    ///     block. Parts that cannot be decoded are reported to ``Configuration/onEvent``.
    /// - Returns: the reply.
    /// - Throws: as ``request(_:_:timeout:)->Reply``.
    public nonisolated func request<Reply: Decodable, Part: Decodable & SendableMetatype>(
        _ method: String, _ params: some Encodable, progressToken token: JSONRPCID, timeout: Duration? = nil,
        onProgress: @escaping @Sendable (Part) -> Void
    ) async throws -> Reply {
        let params = try encodeParams(params)
        let reply = try await requestJSON(method, params, token, timeout) { [configuration] value in
            do {
                onProgress(try configuration.coding.decode(Part.self, from: value))
            } catch {
                configuration.onEvent(.invalidMessage(JSONRPCError(.invalidParams, "Progress: \(error)")))
            }
        }
        return try decodeReply(reply)
    }

    private func requestJSON(
        _ method: String, _ params: JSONText, _ token: JSONRPCID, _ timeout: Duration?,
        _ onProgress: @escaping @Sendable (JSONText) -> Void
    ) async throws -> JSONText {
        progressHandlers[token.canonical] = onProgress
        defer { progressHandlers[token.canonical] = nil }
        return try await requestJSON(method, params, timeout: timeout)
    }

    /// Sends a part of a reply to the end that made the request with this token.
    ///
    /// - Throws: the errors of `AsyncPipeConnection.send(_:)`.
    public nonisolated func reportProgress(_ token: JSONRPCID, _ part: some Encodable) async throws {
        let value = try configuration.coding.encode(part)
        let params = Array(#"{"token":"#.utf8) + token.text.slice + Array(#","value":"#.utf8) + value.slice + [0x7D]
        try await notifyJSON(Self.progressMethod, JSONText(unchecked: params[...]))
    }
}
