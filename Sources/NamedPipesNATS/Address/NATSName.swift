// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes

/// The name of a service at a broker: what `PipeAddress` is on one machine.
///
/// Servers that listen at the same name are a group, on any number of machines: each new client comes to one of them.
public struct NATSName {
    /// The link through which it is reached.
    public let link: NATSLink

    /// The name: one or more words with dots between them.
    public let text: String

    /// The queue group of the servers at every name.
    static let group = "pipes"

    init(_ link: NATSLink, _ text: String) throws(NATSError) {
        guard Self.isValid(text) else { throw .invalidName(text) }
        self.link = link
        self.text = text
    }

    /// Where clients open sessions.
    var openingSubject: String { "pipes.\(text).open" }

    /// The longest name, in bytes.
    static let maximumByteCount = 128

    static func isValid(_ text: String) -> Bool {
        let words = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return text.utf8.count <= maximumByteCount && words.allSatisfy { !$0.isEmpty && $0.allSatisfy(isAllowed) }
    }

    /// Whether a text is one subject: not several, as one with a wildcard, and not none.
    static func isConcreteSubject(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: ">") }
    }

    static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The name as the address of a server or client, for logs and people.
    var shownAddress: PipeAddress { .shown("nats:\(text)") }
}

extension NATSLink {
    /// A name at the link's broker.
    ///
    /// - Parameter text: one or more words of letters, digits, `-` and `_`, with dots between them; at most 128 bytes.
    /// - Throws: ``NATSError/invalidName(_:)``.
    public func name(_ text: String) throws(NATSError) -> NATSName { try NATSName(self, text) }
}

@available(*, unavailable, message: "a name belongs to its link, and that to its reactor's thread")
extension NATSName: Sendable {}
#endif
