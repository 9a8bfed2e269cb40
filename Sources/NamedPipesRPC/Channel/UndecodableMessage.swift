// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// A message that does not contain a value of the type that a ``PipeChannel`` receives.
public struct UndecodableMessage: Error, Sendable {
    /// Its bytes, as they arrived.
    public let message: PipeMessage

    /// The error of the codec: with `Codable`, a `DecodingError`.
    public let reason: any Error

    /// Creates an error, for tests of codecs.
    public init(_ message: PipeMessage, reason: any Error) {
        self.message = message
        self.reason = reason
    }

    /// The treatment of a connection that receives such a message.
    @nonexhaustive
    public enum Policy: Sendable {
        /// ``UndecodableMessage`` is thrown, and the connection stays open: the next call gets the next message.
        case keepConnection

        /// The connection is ended at once (`AsyncPipeConnection.abort()`), and ``UndecodableMessage`` is thrown.
        case abortConnection

        /// Nothing is thrown: the function is told, and the next message is taken.
        case skip(report: @Sendable (UndecodableMessage) -> Void)
    }
}

extension UndecodableMessage: CustomStringConvertible {
    /// The size and the reason, but never the contents.
    public var description: String { "a message of \(message.byteCount) bytes that cannot be decoded: \(reason)" }
}
