// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Goes down a path, one directory after the other, and looks at each before it takes the next name in it.
///
/// A socket's directory that is safe in itself does not help if another user may rename a directory above it: that user
/// can put another directory in its place, with a socket of theirs. So everything on the way has to be trusted (as
/// sshd's StrictModes has it): each directory belongs to root or to this user, and others who may write to it cannot
/// rename what is not theirs. A symbolic link is followed if it belongs to one of the same two; then it is as good as
/// its directory.
///
/// In a container, the host's root may have no number. It then owns `/`, under the number of all who have none; where
/// that is so, this number is trusted above the socket's own directory, whose owner could replace the whole tree in any
/// case.
struct DirectoryWalk: ~Copyable {
    private let verifies: Bool

    private var current: Entry
    /// Where `current` is, links resolved.
    private var place: [String] = []
    /// The components still to be walked, the next one last.
    private var names: [Name]
    /// The part of the path as it was given that has been walked.
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
        /// Not always text: a link's target is what its maker wrote.
        let bytes: [UInt8]
        /// Not a component of the path as it was given.
        let isFromLink: Bool

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// As many as the kernel follows (`path_resolution(7)`).
    private static let linkLimit = 40

    /// The directory at the end of an absolute path, held by `O_PATH`.
    ///
    /// - Parameter verifies: false to trust every directory, and only look at the owners of links.
    /// - Throws: ``PipeError/unusableLocation(path:_:)`` with the first component that is in the way.
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
        case .socket, .regular, .other: throw .unusableLocation(path: walkedPath, .notADirectory)
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

    /// The rule is stricter where the socket is: who owns that directory decides what the name stands for.
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
        // What a link leads to is nothing that the path names.
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

    /// What the name stands for, a link being a link (`O_PATH` and `O_NOFOLLOW`, `open(2)`). A directory is asked for
    /// first, which has an automounter mount what is to be there.
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

    /// Where a link leads (`readlinkat(2)`); nil if that is too long to be walked.
    private static func target(of link: borrowing OwnedDescriptor) throws(SystemError) -> [UInt8]? {
        let descriptor = link.rawValue
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try systemCall("readlinkat") { unsafe readlinkat(descriptor, "", &bytes, bytes.count) }
        guard count < bytes.count else { return nil }
        return bytes.prefix(count).map { UInt8(bitPattern: $0) }
    }
}

extension FileStatus {
    /// Whether others may write to this directory and rename in it what is not theirs.
    fileprivate var lacksSticky: Bool { mode & (S_IWGRP | S_IWOTH) != 0 && mode & S_ISVTX == 0 }
}
