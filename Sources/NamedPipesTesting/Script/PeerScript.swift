// SPDX-License-Identifier: Apache-2.0

/// The behaviour of the other end of a connection, step by step: a value that is run against a server or a client.
///
/// ```swift
/// let greeting = PeerScript([.send("hello"), .expect("welcome"), .finish, .expectEnd])
/// try network.run(greeting, against: "door")                      // in memory
/// try greeting.run(connectingTo: .runtime("door"))                // over a socket
/// ```
///
/// A step that cannot be done throws a ``ScriptFailure`` that names it. After the last step the peer closes.
public struct PeerScript: Sendable {
    /// The steps, in order.
    public var steps: [Step]

    /// How messages become bytes: the framing of who it talks to.
    public var framing: any MessageFraming

    /// - Parameters:
    ///   - steps: what the peer does.
    ///   - framing: the default is a 4-byte big-endian length.
    public init(_ steps: [Step], framing: any MessageFraming = LengthPrefixFraming()) {
        self.steps = steps
        self.framing = framing
    }

    /// One thing that a peer does, or waits for.
    @nonexhaustive
    public enum Step: Sendable {
        /// Sends one message.
        case send([UInt8])
        /// Writes bytes as they are, whole frames or not, this number at a time; nil: all at once. Each piece is read
        /// by itself if the reader is awake.
        case sendBytes([UInt8], pieceSize: Int? = nil)
        /// Waits for the next message, which has to be this.
        case expect([UInt8])
        /// Waits for this number of messages, whatever their contents.
        case expectMessages(Int)
        /// Waits for the next message, of which the function has to say true. The text is for the failure.
        case expectMessage(String, @Sendable ([UInt8]) -> Bool)
        /// Waits so long, and no message and no end may come.
        case expectNothing(for: Duration)
        /// Waits for the other end to finish or close, without another message.
        case expectEnd
        /// Reads nothing for so long, so that what is sent here piles up.
        case pause(Duration)
        /// Sends no more, and goes on reading (`shutdown(2)` with `SHUT_WR`).
        case finish
        /// Closes, having read what has come.
        case close
        /// Reads nothing more for so long, and closes over what came meanwhile, so that the other end finds the
        /// connection reset. Where nothing came, it finds it closed.
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
        case .send(let message): "send \(PipeEvent.text(of: message))"
        case .sendBytes(let bytes, nil): "send \(bytes.count) bytes"
        case .sendBytes(let bytes, let size?): "send \(bytes.count) bytes, \(size) at a time"
        case .expect(let message): "expect \(PipeEvent.text(of: message))"
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

/// A step of a ``PeerScript`` that could not be done.
public struct ScriptFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which one, counted from 1.
    public let number: Int

    /// How many there are.
    public let count: Int

    /// The step.
    public let step: String

    /// The actual event.
    public let problem: String

    /// For the message of a failed test: `step 2 of 4, expect "welcome": "go away" came`.
    public var description: String { "step \(number) of \(count), \(step): \(problem)" }
}
