// SPDX-License-Identifier: Apache-2.0

/// The behaviour of the other end of a connection, step by step: a value that is run against a server or a client.
///
/// ```swift
/// let greeting = PeerScript([.send("hello"), .expect("welcome"), .finish, .expectEnd])
/// try network.run(greeting, against: "door")                      // in memory
/// try greeting.run(connectingTo: .runtime("door"))                // over a socket
/// ```
///
/// A step that fails throws a ``ScriptFailure`` that names it, and what came instead. After the last step the peer
/// closes.
public struct PeerScript: Sendable {
    /// The steps, in order.
    public var steps: [Step]

    /// The framing, which has to be that of the other end.
    public var framing: any MessageFraming

    /// - Parameters:
    ///   - steps: the behaviour of the peer.
    ///   - framing: the default is a 4-byte big-endian length.
    public init(_ steps: [Step], framing: any MessageFraming = LengthPrefixFraming()) {
        self.steps = steps
        self.framing = framing
    }

    /// One action of a peer, or one event that it waits for.
    @nonexhaustive
    public enum Step: Sendable {
        /// Sends one message.
        case send([UInt8])
        /// Writes bytes as they are, whole frames or not, this number at a time; nil: all at once. An awake reader
        /// reads each piece separately.
        case sendBytes([UInt8], pieceSize: Int? = nil)
        /// Waits for the next message, which has to be this one.
        case expect([UInt8])
        /// Waits for the next message, which has to be this JSON value (RFC 8259): members may come in any order, and
        /// numbers and strings may be written differently. A failure names the path of the first difference.
        case expectJSON(String)
        /// Waits for this number of messages, whatever their contents.
        case expectMessages(Int)
        /// Waits for the next message, for which the function has to return true. The text describes it in a failure.
        case expectMessage(String, @Sendable ([UInt8]) -> Bool)
        /// Waits for this time, during which neither a message nor the end may come.
        case expectNothing(for: Duration)
        /// Waits for the other end to finish or close, without another message.
        case expectEnd
        /// Reads nothing for this time, so that the messages of the other end accumulate.
        case pause(Duration)
        /// Sends no more, and continues to read (`shutdown(2)` with `SHUT_WR`).
        case finish
        /// Closes, after reading everything that has arrived.
        case close
        /// Reads nothing more for this time, and closes with unread bytes, so that the other end finds the connection
        /// reset. If nothing has arrived, the other end finds it closed.
        case reset(after: Duration)

        /// Sends the UTF-8 of a text as one message.
        public static func send(_ text: String) -> Step { .send(Array(text.utf8)) }

        /// Waits for the next message, which has to be this text.
        public static func expect(_ text: String) -> Step { .expect(Array(text.utf8)) }
    }
}

extension PeerScript.Step: CustomStringConvertible {
    /// The step in a failure: `expect "welcome"`.
    public var description: String {
        switch self {
        case .send(let message): "send \(MessageText.text(of: message))"
        case .sendBytes(let bytes, nil): "send \(bytes.count) bytes"
        case .sendBytes(let bytes, let size?): "send \(bytes.count) bytes, \(size) at a time"
        case .expect(let message): "expect \(MessageText.text(of: message))"
        case .expectJSON(let value): "expect JSON \(value)"
        case .expectMessages(let count): "expect \(count) messages"
        case .expectMessage(let what, _): "expect \(what)"
        case .expectNothing(let duration): "expect nothing for \(duration)"
        case .expectEnd: "expect the end"
        case .pause(let duration): "pause for \(duration)"
        case .finish: "finish"
        case .close: "close"
        case .reset(let duration): "reset after \(duration)"
        }
    }
}

/// A step of a ``PeerScript`` that failed.
public struct ScriptFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number of the step, counted from 1.
    public let number: Int

    /// The number of steps.
    public let count: Int

    /// The step.
    public let step: String

    /// What happened instead.
    public let problem: String

    /// For the message of a failed test: `step 2 of 4, expect "welcome": "go away" came; first difference at byte 0:
    /// "go away" in place of "welcome"`.
    public var description: String { "step \(number) of \(count), \(step): \(problem)" }
}
