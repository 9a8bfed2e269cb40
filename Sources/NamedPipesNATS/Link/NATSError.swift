// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes

/// Why a link is not connected to its broker, or what the broker refused.
@nonexhaustive
public enum NATSError: Error, Hashable, Sendable {
    /// The text is no URL of a broker, such as `nats://10.0.0.1:4222`.
    case invalidServer(String)

    /// The library refuses the configuration: a file that cannot be read, a certificate that is none, two ways to log
    /// in. The text is the library's.
    case invalidConfiguration(String)

    /// The text cannot be a name: see ``NATSName``.
    case invalidName(String)

    /// The text cannot be an address: see ``NATSAddress``.
    case invalidAddress(String)

    /// No broker of the list answers.
    case noBroker

    /// A broker answered, and refused the credentials.
    case notAuthorized

    /// TLS failed: a certificate that no known authority has signed, another host's name, or a broker that speaks TLS
    /// where the link does not, or the reverse. The text is the library's.
    case tls(String)

    /// The broker does not permit this link to use a subject. The text is the broker's, and names the subject.
    case notPermitted(String)

    /// The broker closed the connection, or was silent for too long.
    case connectionLost

    /// ``NATSLink/close()`` was called.
    case closed

    /// No server has subscribed to the subject of a request, which was not delivered.
    case noServer(subject: String)

    /// A message is larger than the broker accepts (`max_payload`, 1 MiB by default).
    case messageTooLarge(byteCount: Int, limit: Int)

    /// No answer of the broker came within this time. It is not known whether it has done what was asked.
    case timedOut(Duration)

    /// The broker, or the account of this link there, has no JetStream: it stores no streams.
    case noJetStream

    /// The broker has no stream of this name.
    case noStream(String)

    /// No stream takes messages at the subject, or another stream than this one does.
    case notInStream(String, subject: String)

    /// The stream has reached a limit, and discards new messages rather than old ones (`Discard=New`): the message was
    /// not stored. The text is the broker's, and names the limit, such as "maximum messages exceeded".
    case streamFull(String, String)

    /// A stream of this name exists, and has another configuration.
    case streamDiffers(String)

    /// The consumer of this name was deleted at the broker, or its stream was.
    case consumerDeleted(String)

    /// Something else that JetStream refuses: its code (`err_code`) and its text.
    case jetStream(code: Int, String)

    /// Something else that the library reports: its status (`natsStatus`) and its text.
    case library(status: Int, String)
}

extension NATSError: PossibleTimeout {
    package var isTimeout: Bool { if case .timedOut = self { true } else { false } }
}

extension NATSError: PossibleWrongAddress {
    package var isWrongAddress: Bool {
        switch self {
        case .invalidAddress, .invalidServer, .invalidName: true
        default: false
        }
    }
}

extension NATSError: CustomStringConvertible {
    /// One line for a log or a person.
    public var description: String {
        switch self {
        case .invalidServer(let text): "not the URL of a NATS server: \(text.debugDescription)"
        case .invalidConfiguration(let text): "the configuration of the link cannot be used: \(text)"
        case .invalidName(let text): "not a name for a NATS subject: \(text.debugDescription)"
        case .invalidAddress(let text): "not an address of the form nats://host:port/name: \(text.debugDescription)"
        case .noBroker: "no NATS server answers"
        case .notAuthorized: "the NATS server refuses the credentials"
        case .tls(let text): "TLS with the NATS server failed: \(text)"
        case .notPermitted(let text): "the NATS server does not permit it: \(text)"
        case .connectionLost: "the connection to the NATS server was lost"
        case .closed: "the link was closed"
        case .noServer(let subject): "no server at the NATS subject \(subject.debugDescription)"
        case .messageTooLarge(let count, let limit):
            "a message of \(count) bytes exceeds the limit of the NATS server, \(limit)"
        case .timedOut(let time): "the NATS server has not answered within \(time)"
        case .noJetStream:
            "the NATS server has no JetStream for this account; start it with -js, or enable it in its configuration"
        case .noStream(let name): "the NATS server has no stream \(name.debugDescription); create it first"
        case .notInStream(let name, let subject):
            """
            the stream \(name.debugDescription) does not take messages at the subject \(subject.debugDescription); \
            create it, or add the subject to it
            """
        case .streamFull(let name, let text):
            "the stream \(name.debugDescription) is full: \(text); let consumers catch up, or raise its limits"
        case .streamDiffers(let name):
            """
            the stream \(name.debugDescription) exists with another configuration; use that one, or change the stream \
            with `nats stream edit`
            """
        case .consumerDeleted(let name): "the consumer \(name.debugDescription) was deleted at the NATS server"
        case .jetStream(let code, let text): "JetStream refuses it (err_code \(code)): \(text)"
        case .library(let status, let text): "the NATS library failed with status \(status): \(text)"
        }
    }
}
#endif
