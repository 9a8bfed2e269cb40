// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Walks down a path, one directory after the other, and checks each before it opens the next name in it.
///
/// A socket's directory that is safe in itself does not help if another user may rename a directory above it: that user
/// can replace it with another directory that contains a socket of theirs. So every component has to be trusted (sshd's
/// StrictModes has the same rule): each directory belongs to root or to this user, and other users who may write to it
/// cannot rename files that are not theirs. A symbolic link is followed if it belongs to one of these two; then it is
/// as trustworthy as its directory.
///
/// In a container, the host's root may have no user ID. It then owns `/` under the ID that stands for all unmapped
/// users. If so, this ID is trusted above the socket's own directory, because the owner of `/` could replace the whole
/// tree in any case.
struct DirectoryWalk: ~Copyable {
    private let verifies: Bool

    private var current: Entry
    /// The path of `current`, with links resolved.
    private var place: [String] = []
    /// The components still to be walked, in reverse order.
    private var names: [Name]
    /// The part of the given path that was walked.
    private var walked: [String] = []
    private var trustedOwners: Set<UInt32>
    private var linkCount = 0

    private struct Entry: ~Copyable {
        let descriptor: OwnedDescriptor
        let status: FileStatus

        init(_ descriptor: consuming OwnedDescriptor) throws(SystemError) {
            status = try FileStatus(of: descriptor.rawValue)
            self.descriptor = descriptor
        }
    }

    private struct Name {
        /// Not always text: a link's target has whatever bytes its maker wrote.
        let bytes: [UInt8]
        /// Whether it comes from a link, rather than from the given path.
        let isFromLink: Bool

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// The same number that the kernel follows (`path_resolution(7)`).
    private static let linkLimit = 40

    /// The directory at the end of an absolute path, held by `O_PATH`.
    ///
    /// - Parameter verifies: false to trust every directory, and only check the owners of links.
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` with the first offending component.
    static func open(_ path: String, verifies: Bool) throws(PipeError) -> OwnedDescriptor {
        var walk = try DirectoryWalk(path, verifies)
        while let name = walk.names.popLast() { try walk.step(to: name) }
        if verifies { try walk.verifyOwnDirectory() }
        return walk.current.descriptor
    }

    private init(_ path: String, _ verifies: Bool) throws(PipeError) {
        self.verifies = verifies
        names = Self.names(Array(path.utf8), isFromLink: false)
        current = try Self.openRoot()
        trustedOwners = [0, CurrentProcess.userID]
        if let overflow = CurrentProcess.overflowUserID, current.status.owner == overflow {
            trustedOwners.insert(overflow)
        }
    }

    private static func names(_ path: [UInt8], isFromLink: Bool) -> [Name] {
        path.split(separator: UInt8(ascii: "/")).reversed().map { Name(bytes: Array($0), isFromLink: isFromLink) }
    }

    private mutating func step(to name: Name) throws(PipeError) {
        try verifyAncestor()
        if !name.isFromLink { walked.append(name.text) }
        let found = try look(at: name)
        switch found.status.kind {
        case .directory: enter(found, name.text)
        case .symbolicLink: try follow(found)
        case .socket, .regular, .fifo, .other: throw .unusableLocation(path: walkedPath, .notADirectory)
        }
    }

    private func look(at name: Name) throws(PipeError) -> Entry {
        do {
            return try Entry(Self.open(name, in: current.descriptor))
        } catch {
            throw obstacle(error, isFromLink: name.isFromLink)
        }
    }

    private mutating func enter(_ directory: consuming Entry, _ name: String) {
        current = directory
        switch name {
        case ".": break
        case "..": _ = place.popLast()
        default: place.append(name)
        }
    }

    private mutating func follow(_ link: borrowing Entry) throws(PipeError) {
        linkCount += 1
        let isTrusted = trustedOwners.contains(link.status.owner)
        guard isTrusted, linkCount <= Self.linkLimit, let target = try target(of: link), !target.isEmpty else {
            throw .unusableLocation(path: walkedPath, .symbolicLink)
        }
        names += Self.names(target, isFromLink: true)
        guard target.first == UInt8(ascii: "/") else { return }
        current = try Self.openRoot()
        place = []
    }

    private func target(of link: borrowing Entry) throws(PipeError) -> [UInt8]? {
        do { return try Self.target(of: link.descriptor) } catch { throw .atLocation(walkedPath, error) }
    }

    // MARK: Whom to trust

    private func verifyAncestor() throws(PipeError) {
        guard verifies, !trustedOwners.contains(current.status.owner) || current.status.lacksSticky else { return }
        throw insecure
    }

    /// The rule is stricter for the directory of the socket: its owner decides what the name stands for.
    private func verifyOwnDirectory() throws(PipeError) {
        let owner = current.status.owner
        guard owner == 0 || owner == CurrentProcess.userID, !current.status.lacksSticky else { throw insecure }
    }

    private var insecure: PipeError {
        .unusableLocation(
            path: "/\(place.joined(separator: "/"))",
            .insecureDirectory(owner: current.status.owner, mode: current.status.mode))
    }

    // MARK: What is in the way

    private var walkedPath: String { "/\(walked.joined(separator: "/"))" }

    private func obstacle(_ error: SystemError, isFromLink: Bool) -> PipeError {
        // A component that comes from a link does not appear in the given path.
        if isFromLink { return .unusableLocation(path: walkedPath, .symbolicLink) }
        // The directory above is the one that may not be searched.
        let place = error.code == EACCES ? "/\(walked.dropLast().joined(separator: "/"))" : walkedPath
        return .atLocation(place, error)
    }

    // MARK: System calls

    // Neither is in Swift's Glibc, which is built without _GNU_SOURCE. x86 and Arm agree on the value.
    private static let pathOnly: Int32 = 0o10000000
    private static let flags = pathOnly | O_NOFOLLOW | O_CLOEXEC

    private static func openRoot() throws(PipeError) -> Entry {
        do {
            let number = try systemCall("open") { unsafe Glibc.open("/", flags | O_DIRECTORY) }
            return try Entry(OwnedDescriptor(taking: number))
        } catch {
            throw .atLocation("/", error)
        }
    }

    /// Opens what the name stands for, without following a link (`O_PATH` and `O_NOFOLLOW`, `open(2)`). First as a
    /// directory, which makes an automounter mount it.
    private static func open(
        _ name: Name, in directory: borrowing OwnedDescriptor
    ) throws(SystemError) -> OwnedDescriptor {
        let descriptor = directory.rawValue
        let bytes = (name.bytes + [0]).map(CChar.init(bitPattern:))
        func opening(_ flags: Int32) throws(SystemError) -> OwnedDescriptor {
            OwnedDescriptor(taking: try systemCall("openat") { unsafe openat(descriptor, bytes, flags) })
        }
        do {
            return try opening(flags | O_DIRECTORY)
        } catch let error where error.code == ENOTDIR {
            return try opening(flags)
        }
    }

    /// The target of a link (`readlinkat(2)`); nil if it is too long to be walked.
    private static func target(of link: borrowing OwnedDescriptor) throws(SystemError) -> [UInt8]? {
        let descriptor = link.rawValue
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try systemCall("readlinkat") { unsafe readlinkat(descriptor, "", &bytes, bytes.count) }
        guard count < bytes.count else { return nil }
        return bytes.prefix(count).map { UInt8(bitPattern: $0) }
    }
}

extension FileStatus {
    /// Whether others may write to this directory and rename files in it that are not theirs.
    fileprivate var lacksSticky: Bool { mode & (S_IWGRP | S_IWOTH) != 0 && mode & S_ISVTX == 0 }
}
