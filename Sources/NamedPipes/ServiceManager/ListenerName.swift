// SPDX-License-Identifier: Apache-2.0

/// The name of a listener that another process has made. Whatever the listener was bound to, it can be served: its name
/// is only for display.
struct ListenerName {
    /// The name that the kernel reports (getsockname(2)); a NUL first in the abstract namespace. Not always text.
    let bound: [UInt8]
    /// The inode of its file, if that is known.
    let inode: UInt32?

    /// The published name if it can be found; otherwise the one to which the listener was bound.
    var address: PipeAddress {
        if bound.first == 0 {
            let name = bound.dropFirst()
            return Self.address(name) { text throws(PipeError) in try .abstract(text) }
                ?? .shown("@" + Self.text(name))
        }
        for candidate in candidates where isBound(to: candidate) {
            if let address = Self.file(candidate) ?? Self.resolved(candidate) { return address }
        }
        return Self.file(bound) ?? .shown(Self.text(bound[...]))
    }

    /// Servers of this library bind a temporary name, and then publish the socket under another.
    private var candidates: [[UInt8]] {
        let slash = bound.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let (directory, name) = (bound[..<slash], bound[slash...])
        let (prefix, suffix) = (Array(".".utf8), Array(".tmp".utf8))
        guard name.starts(with: prefix), name.count > 5, name.suffix(4).elementsEqual(suffix) else { return [bound] }
        return [Array(directory + name.dropFirst().dropLast(4)), bound]
    }

    private func isBound(to path: [UInt8]) -> Bool {
        guard let inode, let status = FileStatus.ofEntry(path) else { return false }
        return status.kind == .socket && UInt32(truncatingIfNeeded: status.identity.inode) == inode
    }

    private static func file(_ path: [UInt8]) -> PipeAddress? {
        address(path[...]) { text throws(PipeError) in try .path(text) }
    }

    /// For a relative path, or one in a spelling that an address does not have: the path with its directory resolved.
    private static func resolved(_ path: [UInt8]) -> PipeAddress? {
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        let directory = slash.map { $0 == 0 ? Array("/".utf8) : Array(path[..<$0]) } ?? Array(".".utf8)
        let name = path[(slash.map { $0 + 1 } ?? 0)...]
        guard let real = ResolvedPath.text(of: directory) else { return nil }
        return file(Array((real == "/" ? "/" : "\(real)/").utf8) + name)
    }

    private static func address(
        _ name: ArraySlice<UInt8>, _ make: (String) throws(PipeError) -> PipeAddress
    ) -> PipeAddress? {
        guard let text = String(validating: name, as: UTF8.self) else { return nil }
        do { return try make(text) } catch { return nil }
    }

    /// The bytes for display: non-ASCII bytes as `\xE9`, unless all of it is text.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.reduce(into: "") { text, byte in
            text += byte < 0x80 ? String(Unicode.Scalar(byte)) : "\\x\(String(byte, radix: 16, uppercase: true))"
        }
    }
}
