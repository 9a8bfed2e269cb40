// SPDX-License-Identifier: Apache-2.0

/// The place at which a server listens and clients connect: the name of a local socket (`unix(7)`).
///
/// Most programs need one line on each side:
///
/// ```swift
/// let address = try PipeAddress.runtime("thermostat")
/// ```
///
/// Two addresses are equal if they name the same socket byte for byte, however they were made. Swift's `String`
/// considers "é" equal to "e" with a combining accent; to the file system these are two names, and so they are here.
public struct PipeAddress: Sendable {
    /// The kinds of addresses.
    @nonexhaustive
    public enum Kind: Hashable, Sendable {
        /// A socket file. Its permissions and those of its directories decide which users may connect.
        case file

        /// A name without a file in the abstract namespace. Every process in the same network namespace may connect.
        case abstract

        /// A FIFO (fifo(7)), which a server only receives from; see ``PipeAddress/fifo(_:)``.
        case fifo

        /// A name that cannot be used as an address: relative, spelled in a way that ``PipeAddress/path(_:)`` refuses,
        /// or not UTF-8. Only an ``InheritedListener`` has one, for display, and a client that starts a program, whose
        /// name it is. It can be used neither to listen nor to connect.
        case other
    }

    /// The maximum number of bytes of a path or an abstract name: 107.
    ///
    /// The kernel's structure has 108, of which one ends the path or begins the abstract name.
    public static let maximumByteCount = 107

    /// Whether this is a socket file, an abstract name, a FIFO, or none of these.
    public let kind: Kind

    /// The path of the socket file; nil for everything else.
    public var path: String? { kind == .file ? text : nil }

    /// The path, or the abstract name without its leading mark. Valid UTF-8 without NUL, 1 to 107 bytes; for the kind
    /// `other`, a text for display.
    package let text: String

    /// True if the name was generated for one server, so that no other server will ever want it.
    let isGenerated: Bool

    private init(_ kind: Kind, _ text: String, isGenerated: Bool = false) throws(PipeError) {
        let count = text.utf8.count
        guard count > 0 else { throw .invalidAddress(.empty) }
        guard !text.utf8.contains(0) else { throw .invalidAddress(.containsNUL) }
        guard count <= Self.maximumByteCount else {
            throw .invalidAddress(.tooLong(byteCount: count, limit: Self.maximumByteCount))
        }
        self.kind = kind
        self.text = text
        self.isGenerated = isGenerated
    }

    /// A name for display, of any length.
    package static func shown(_ text: String) -> PipeAddress { PipeAddress(shown: text) }

    private init(shown text: String) {
        kind = .other
        self.text = text
        isGenerated = false
    }

    /// A socket file at a path of your choice.
    ///
    /// The path is used unchanged: it is never shortened, and no part of it is resolved. A path with an empty, `.` or
    /// `..` component or with a slash at its end is refused, so that one socket has one spelling.
    ///
    /// - Parameter path: an absolute path of at most 107 bytes.
    /// - Throws: ``PipeError/invalidAddress(_:)``.
    public static func path(_ path: String) throws(PipeError) -> PipeAddress {
        try file(path)
    }

    /// A name without a file.
    ///
    /// There are **no permissions**: every user and every process of the network namespace may connect, and any of them
    /// may take the name first. Prefer ``runtime(_:)`` unless the file system is out of reach, and check
    /// ``PeerCredentials`` on both sides.
    ///
    /// - Parameter name: 1 to 107 bytes without NUL, without the `@` that stands for its mark in texts.
    /// - Throws: ``PipeError/invalidAddress(_:)``.
    public static func abstract(_ name: String) throws(PipeError) -> PipeAddress {
        try PipeAddress(.abstract, name)
    }

    /// A FIFO at a path of your choice (`mkfifo(3)`): any process that may write to it can send messages, for example
    /// with `echo`. Answers are not possible.
    ///
    /// Only servers accept such an address, and only with the policy ``AccessPolicy/anyUser``, because writers cannot
    /// be identified. The server makes the FIFO and removes it at the end; one that an administrator has made is used
    /// as it is, whatever the configured permissions, and stays. For details, see <doc:Doors>.
    ///
    /// - Parameter path: an absolute path of at most 107 bytes, as for ``path(_:)``.
    /// - Throws: ``PipeError/invalidAddress(_:)``.
    public static func fifo(_ path: String) throws(PipeError) -> PipeAddress {
        try file(path, kind: .fifo)
    }

    static func file(
        _ path: String, kind: Kind = .file, isGenerated: Bool = false
    ) throws(PipeError) -> PipeAddress {
        let address = try PipeAddress(kind, path, isGenerated: isGenerated)
        guard path.utf8.first == UInt8(ascii: "/") else { throw .invalidAddress(.notAbsolute(path: path)) }
        let components = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for component in components
        where component.isEmpty || component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
            throw .invalidAddress(.notNormalized(path: path))
        }
        return address
    }
}

extension PipeAddress: Hashable {
    /// Whether both name the same socket.
    public static func == (left: PipeAddress, right: PipeAddress) -> Bool {
        left.kind == right.kind && left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Hashes the bytes of the name.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension PipeAddress {
    /// The directory and the name in it, for a socket file or a FIFO.
    var fileLocation: (directory: String, name: String)? {
        guard kind == .file || kind == .fifo, let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let directory = slash == text.startIndex ? "/" : String(text[..<slash])
        return (directory, String(text[text.utf8.index(after: slash)...]))
    }
}
