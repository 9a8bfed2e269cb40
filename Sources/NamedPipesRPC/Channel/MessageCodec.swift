// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// How values become messages, and messages values: two functions.
///
/// ```swift
/// let orders: MessageCodec<Receipt, Order> = .json        // receipts arrive, orders leave
/// let numbers = MessageCodec<Int, Int>(
///     decode: { try Int.parsed(String(copying: $0)) }, encode: { Array(String($0).utf8) })
/// ```
///
/// Ready-made are ``json``, ``json(_:)``, ``propertyList`` and ``propertyList(encoder:decoder:)``, for whatever is
/// `Codable`.
public struct MessageCodec<Incoming: Sendable, Outgoing: Sendable>: Sendable {
    /// Makes a value of a message. Throws if the message is none; the error becomes ``UndecodableMessage/reason``.
    public let decode: @Sendable (PipeMessage) throws -> Incoming

    /// Makes a message of a value. What it throws, ``PipeChannel/send(_:)`` throws.
    public let encode: @Sendable (Outgoing) throws -> [UInt8]

    /// Makes a codec of two functions. They are called on whatever thread receives and sends.
    public init(
        decode: @escaping @Sendable (PipeMessage) throws -> Incoming,
        encode: @escaping @Sendable (Outgoing) throws -> [UInt8]
    ) {
        self.decode = decode
        self.encode = encode
    }
}
