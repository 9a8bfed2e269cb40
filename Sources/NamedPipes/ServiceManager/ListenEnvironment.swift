// SPDX-License-Identifier: Apache-2.0

/// A service manager's announcement of the sockets that it hands to a program (`sd_listen_fds(3)`): a value made of
/// texts, so that tests can try any text.
///
/// | Variable | Says |
/// |---|---|
/// | `LISTEN_PID` | which process is meant; a child that inherits the environment is not |
/// | `LISTEN_FDS` | how many descriptors there are, from number 3 on |
/// | `LISTEN_FDNAMES` | their names, separated by colons; optional |
public struct ListenEnvironment: Hashable, Sendable {
    /// The text of `LISTEN_PID`, nil if unset.
    public let pid: String?

    /// The text of `LISTEN_FDS`, nil if unset.
    public let fds: String?

    /// The text of `LISTEN_FDNAMES`, nil if unset.
    public let names: String?

    /// Takes the texts as they are; ``sockets(for:)`` checks them.
    ///
    /// - Parameters:
    ///   - pid: the text of `LISTEN_PID`, nil if unset.
    ///   - fds: the text of `LISTEN_FDS`, nil if unset.
    ///   - names: the text of `LISTEN_FDNAMES`, nil if unset.
    public init(pid: String?, fds: String?, names: String?) {
        self.pid = pid
        self.fds = fds
        self.names = names
    }

    /// A descriptor and its name.
    public struct Socket: Hashable, Sendable {
        /// The number of the descriptor, 3 or more.
        public let descriptor: Int32

        /// Its name; `unknown` if there is none, as in `sd_listen_fds_with_names(3)`.
        public let name: String
    }

    /// The number of the first descriptor.
    public static let firstDescriptor: Int32 = 3

    /// The maximum number of announced descriptors: more than a process may have open anywhere (`fs.nr_open` is a
    /// million).
    public static let maximumCount = 1 << 20

    /// The descriptors for a process; none if the announcement is for another process.
    ///
    /// - Parameter processID: the process, usually this one (`getpid(2)`).
    /// - Throws: ``InvalidListenEnvironment``.
    public func sockets(for processID: Int32) throws(InvalidListenEnvironment) -> [Socket] {
        guard let pid else { return [] }
        guard let meant = Self.number(pid), meant > 0 else { throw .processID }
        guard meant == Int64(processID), let fds else { return [] }
        guard let count = Self.number(fds), count <= Int64(Self.maximumCount) else { throw .count }
        let numbers = (0..<Int32(count)).map { Self.firstDescriptor + $0 }
        guard let names else { return numbers.map { Socket(descriptor: $0, name: "unknown") } }
        let parts =
            count == 0 && names.isEmpty ? [] : names.utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count == numbers.count, parts.allSatisfy(Self.isName) else { throw .names }
        return zip(numbers, parts).map { Socket(descriptor: $0, name: String(decoding: $1, as: UTF8.self)) }
    }

    /// Parses decimal digits and nothing else; nil on overflow.
    private static func number(_ text: String) -> Int64? {
        guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    /// The names that `fdname_is_valid` of systemd allows: printable ASCII, at most 255 characters.
    private static func isName(_ bytes: Substring.UTF8View.SubSequence) -> Bool {
        bytes.count <= 255 && bytes.allSatisfy { (0x20..<0x7F).contains($0) }
    }
}

/// The problem with the variables of a ``ListenEnvironment``.
@nonexhaustive
public enum InvalidListenEnvironment: Error, Hashable, Sendable, CaseIterable {
    /// `LISTEN_PID` is not a process ID.
    case processID

    /// `LISTEN_FDS` is not a number, or exceeds ``ListenEnvironment/maximumCount``.
    case count

    /// `LISTEN_FDNAMES` does not contain one valid name for each descriptor.
    case names
}

extension InvalidListenEnvironment: CustomStringConvertible {
    /// The variable and its problem.
    public var description: String {
        switch self {
        case .processID: "LISTEN_PID is not a process ID"
        case .count: "LISTEN_FDS is not a number of descriptors"
        case .names: "LISTEN_FDNAMES does not name each descriptor once"
        }
    }
}
