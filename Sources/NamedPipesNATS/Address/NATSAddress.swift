// SPDX-License-Identifier: Apache-2.0
#if NATS
/// Where a service is, as a person writes it: `nats://10.0.0.1:4222/echo`.
///
/// ```swift
/// let address = try NATSAddress(parsing: "nats://10.0.0.1/echo")
/// let link = try NATSLink(servers: [address.server], reactor: reactor)
/// let client = PipeClient(connectingTo: try link.name(address.name), delegate: delegate)
/// ```
public struct NATSAddress: Hashable, Sendable {
    /// The URL of the broker, without the name: `nats://10.0.0.1:4222`. A user and password of the text are part of it.
    public let server: String

    /// The name of the service.
    public let name: String

    /// Parses a text.
    ///
    /// - Parameter text: `nats://` or `tls://`, a host, optionally `:` and a port from 1 to 65535, `/` and a name.
    ///   Optionally `user:password@` before the host.
    /// - Throws: ``NATSError/invalidAddress(_:)``; the error does not contain a password.
    public init(parsing text: String) throws(NATSError) {
        guard let scheme = Self.schemes.first(where: { text.utf8.starts(with: $0.utf8) }) else {
            throw .invalidAddress(Self.hidingPassword(text))
        }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), slash > rest.startIndex else {
            throw .invalidAddress(Self.hidingPassword(text))
        }
        let name = String(text[text.utf8.index(after: slash)...])
        guard Self.isPlace(text[rest.startIndex..<slash]), NATSName.isValid(name) else {
            throw .invalidAddress(Self.hidingPassword(text))
        }
        server = String(text[..<slash])
        self.name = name
    }

    /// Whether this is a host, with or without a user before and a port behind it (RFC 3986, 3.2).
    private static func isPlace(_ authority: Substring) -> Bool {
        let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if place.first == "[" {
            guard let end = place.firstIndex(of: "]") else { return false }
            let rest = place[place.index(after: end)...]
            return rest.isEmpty || rest.first == ":" && isPort(rest.dropFirst())
        }
        let parts = place.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2 else { return false }
        return parts.count == 1 || isPort(parts[1])
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt16(text) ?? 0 > 0
    }

    private static let schemes = ["nats://", "tls://"]

    /// The text without what stands between the scheme and the last `@`.
    static func hidingPassword(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@"), let slashes = text.firstRange(of: "//") else { return text }
        return at < slashes.upperBound ? text : text[..<slashes.upperBound] + "…" + text[at...]
    }
}

extension NATSAddress: CustomStringConvertible {
    /// The address, without a password.
    public var description: String { Self.hidingPassword("\(server)/\(name)") }
}
#endif
