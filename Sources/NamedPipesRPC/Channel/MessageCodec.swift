// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// The conversion of values to messages and back: two functions.
///
/// ```swift
/// let orders: MessageCodec<Receipt, Order> = .json        // receipts arrive, orders leave
/// let numbers = MessageCodec<Int, Int>(
///     decode: { try Int.parsed(String(copying: $0)) }, encode: { Array(String($0).utf8) })
/// ```
///
/// ``json``, ``json(_:)``, ``propertyList`` and ``propertyList(encoder:decoder:)`` are ready-made for all `Codable`
/// types.
public struct MessageCodec<Incoming: Sendable, Outgoing: Sendable>: Sendable {
    /// Makes a value from a message. Throws if the message contains none; the error becomes
    /// ``UndecodableMessage/reason``.
    public let decode: @Sendable (PipeMessage) throws -> Incoming

    /// Makes a message from a value. ``PipeChannel/send(_:)`` rethrows its errors.
    public let encode: @Sendable (Outgoing) throws -> [UInt8]

    /// Creates a codec from two functions. They are called on the thread that receives or sends.
    public init(
        decode: @escaping @Sendable (PipeMessage) throws -> Incoming,
        encode: @escaping @Sendable (Outgoing) throws -> [UInt8]
    ) {
        self.decode = decode
        self.encode = encode
    }
}
