// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

/// A message that is no value of the type that a ``PipeChannel`` receives.
public struct UndecodableMessage: Error, Sendable {
    /// Its bytes, as they arrived.
    public let message: PipeMessage

    /// The error of the codec: with `Codable`, a `DecodingError`.
    public let reason: any Error

    /// Makes one; for codecs' own tests.
    public init(_ message: PipeMessage, reason: any Error) {
        self.message = message
        self.reason = reason
    }

    /// The treatment of a connection that receives such a message.
    @nonexhaustive
    public enum Policy: Sendable {
        /// ``UndecodableMessage`` is thrown, and the connection stays: who asks again gets the message behind it.
        case keepConnection

        /// The connection is ended at once (`AsyncPipeConnection.abort()`), and ``UndecodableMessage`` is thrown.
        case abortConnection

        /// Nothing is thrown: the function hears of it, and the next message is taken.
        case skip(report: @Sendable (UndecodableMessage) -> Void)
    }
}

extension UndecodableMessage: CustomStringConvertible {
    /// How many bytes, and why: never the contents.
    public var description: String { "a message of \(message.byteCount) bytes that cannot be decoded: \(reason)" }
}
