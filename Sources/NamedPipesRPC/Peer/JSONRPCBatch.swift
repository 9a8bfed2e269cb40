// SPDX-License-Identifier: Apache-2.0

/// Requests and notifications that are sent in one message (JSON-RPC 2.0, section 6).
///
/// ```swift
/// var batch = JSONRPCBatch()
/// let sum = try batch.request("add", Pair(left: 1, right: 2), returning: Int.self)
/// try batch.notify("log", ["text": "added"])
/// let replies = try await peer.send(batch, timeout: .seconds(2))
/// print(try replies.value(of: sum))
/// ```
///
/// Not every peer accepts batches: LSP does without them.
public struct JSONRPCBatch: Sendable {
    /// A request of a batch, with which its reply is found.
    public struct Handle<Reply: Decodable>: Sendable {
        fileprivate let index: Int
    }

    /// The replies to a batch.
    public struct Replies: Sendable {
        let outcomes: [Result<JSONText, any Error>]
        let coding: JSONCoding

        /// The reply to one of the requests.
        ///
        /// - Parameter handle: from the same batch.
        /// - Throws: as ``JSONRPCPeer/request(_:_:timeout:)->Reply``, for this request alone.
        public func value<Reply>(of handle: Handle<Reply>) throws -> Reply {
            let text = try outcomes[handle.index].get()
            do {
                return try coding.decode(Reply.self, from: text)
            } catch {
                throw JSONRPCRequestFailure.undecodableReply(text, error)
            }
        }
    }

    struct Item: Sendable {
        let method: String
        let params: JSONText?
        let isRequest: Bool
    }

    private(set) var items: [Item] = []
    private(set) var requestCount = 0
    private let coding: JSONCoding

    /// The number of requests and notifications.
    public var count: Int { items.count }

    /// Creates an empty batch.
    ///
    /// - Parameter coding: the encoding of parameters; the default is Foundation's.
    public init(coding: JSONCoding = JSONCoding()) { self.coding = coding }

    /// Adds a request.
    ///
    /// - Throws: the encoder's errors.
    public mutating func request<Reply: Decodable>(
        _ method: String, _ params: some Encodable, returning type: Reply.Type
    ) throws -> Handle<Reply> {
        items.append(Item(method: method, params: try coding.encode(params), isRequest: true))
        requestCount += 1
        return Handle(index: requestCount - 1)
    }

    /// Adds a notification.
    ///
    /// - Throws: the encoder's errors.
    public mutating func notify(_ method: String, _ params: some Encodable) throws {
        items.append(Item(method: method, params: try coding.encode(params), isRequest: false))
    }
}

extension JSONRPCPeer {
    /// Sends a batch, and waits for the replies to all its requests.
    ///
    /// - Parameters:
    ///   - batch: if it is empty, nothing is sent.
    ///   - timeout: how long to wait for all of them. Replies that have arrived by then are in the result.
    /// - Returns: a reply, or an error, for each request.
    /// - Throws: if nothing was sent: as ``request(_:_:timeout:)->Reply``.
    public func send(_ batch: JSONRPCBatch, timeout: Duration? = nil) async throws -> JSONRPCBatch.Replies {
        guard batch.count > 0 else { return JSONRPCBatch.Replies(outcomes: [], coding: configuration.coding) }
        for item in batch.items { try checkStructured(item.params) }
        let outcomes = try await intercept(.batch(count: batch.count), nil) { metadata in
            try await self.outcomes(of: batch, metadata, timeout)
        }
        return JSONRPCBatch.Replies(outcomes: outcomes, coding: configuration.coding)
    }

    private func outcomes(
        of batch: JSONRPCBatch, _ metadata: [String: String], _ timeout: Duration?
    ) async throws -> [Result<JSONText, any Error>] {
        try await exchange(batch.requestCount, timeout: timeout) { numbers in
            var numbers = numbers[...]
            let objects = batch.items.map { item in
                let id = item.isRequest ? numbers.popFirst().map(JSONRPCID.number) : nil
                return OutgoingMessage.request(
                    item.method, item.params, id: id, metadata: metadata, configuration.metadataPlace)
            }
            return OutgoingMessage.batch(objects)
        } _: { peer, numbers in
            var outcomes: [Result<JSONText, any Error>] = []
            for number in numbers {
                do {
                    outcomes.append(.success(try await peer.reply(to: number)))
                } catch {
                    outcomes.append(.failure(error))
                }
            }
            return outcomes
        }
    }
}
