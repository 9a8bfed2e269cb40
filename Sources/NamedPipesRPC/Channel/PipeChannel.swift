// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// A connection that carries values instead of bytes.
///
/// ```swift
/// try await PipeServer.serve(at: .runtime("orders")) { connection in
///     let channel = PipeChannel<Order, Receipt>(connection, codec: .json)
///     for try await order in channel.messages {
///         try await channel.send(Receipt(for: order))
///     }
/// }
/// ```
///
/// It is a view: waiting, back-pressure and cancellation are those of the `AsyncPipeConnection`, and both may be used
/// side by side. Values are decoded on the thread of the task that asks for them.
public struct PipeChannel<Incoming: Sendable, Outgoing: Sendable>: Sendable {
    /// The connection below.
    public let connection: AsyncPipeConnection

    /// The conversion of values to messages and back.
    public let codec: MessageCodec<Incoming, Outgoing>

    /// The treatment of messages that cannot be decoded.
    public let undecodablePolicy: UndecodableMessage.Policy

    /// Creates a view of a connection.
    ///
    /// - Parameters:
    ///   - connection: any open connection.
    ///   - codec: the conversion of values to messages and back.
    ///   - undecodablePolicy: the treatment of messages that cannot be decoded. The default keeps the connection.
    public init(
        _ connection: AsyncPipeConnection, codec: MessageCodec<Incoming, Outgoing>,
        undecodablePolicy: UndecodableMessage.Policy = .keepConnection
    ) {
        self.connection = connection
        self.codec = codec
        self.undecodablePolicy = undecodablePolicy
    }

    /// Sends one value, as `AsyncPipeConnection.send(_:)` sends a message.
    ///
    /// - Returns: the verdict on the message.
    /// - Throws: the codec's errors, with nothing sent; the errors of the connection's `send`.
    @discardableResult
    public nonisolated(nonsending) func send(_ value: Outgoing) async throws -> PipeConnection.SendVerdict {
        try await connection.send(try codec.encode(value))
    }

    /// Sends one value to all others in a group, encoded once; see `AsyncPipeConnection.join(_:)`.
    ///
    /// - Returns: how many connections took the message, and which refused it.
    /// - Throws: the codec's errors, with nothing sent; the errors of the connection's `publish`.
    @discardableResult
    public nonisolated(nonsending) func publish(
        _ value: Outgoing, to group: PipeGroup
    ) async throws -> PipeServer.BroadcastOutcome {
        try await connection.publish(try codec.encode(value), to: group)
    }

    /// The next value; see ``messages``.
    ///
    /// - Returns: nil after the last one.
    /// - Throws: ``UndecodableMessage``; the connection's errors.
    public nonisolated(nonsending) func nextMessage() async throws -> Incoming? {
        while let message = try await connection.nextMessage() {
            if let value = try await decode(message) { return value }
        }
        return nil
    }

    /// The received values, in order, as in the connection's `messages`.
    ///
    /// A thrown ``UndecodableMessage`` ends the iteration. If the connection was kept, another iteration continues
    /// after that message.
    public var messages: Messages { Messages(channel: self) }

    /// The values that arrive; see ``PipeChannel/messages``.
    public struct Messages: AsyncSequence, Sendable {
        let channel: PipeChannel

        /// Begins or continues with the next value that arrives.
        public func makeAsyncIterator() -> Iterator {
            Iterator(channel: channel, messages: channel.connection.messages.makeAsyncIterator())
        }

        /// Takes values, one after the other.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let channel: PipeChannel
            fileprivate var messages: AsyncPipeConnection.Messages.Iterator

            /// The next value; nil after the last one.
            public mutating nonisolated(nonsending) func next() async throws -> Incoming? {
                try await next(isolation: #isolation)
            }

            /// The next value; nil after the last one.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Incoming? {
                while let message = try await messages.next(isolation: actor) {
                    if let value = try await channel.decode(message) { return value }
                }
                return nil
            }
        }
    }

    /// The message's value; nil if the message is skipped.
    fileprivate nonisolated(nonsending) func decode(_ message: PipeMessage) async throws -> Incoming? {
        do {
            return try codec.decode(message)
        } catch {
            let failure = UndecodableMessage(message, reason: error)
            switch undecodablePolicy {
            case .keepConnection: throw failure
            case .abortConnection:
                await connection.abort()
                throw failure
            case .skip(let report):
                report(failure)
                return nil
            }
        }
    }
}
