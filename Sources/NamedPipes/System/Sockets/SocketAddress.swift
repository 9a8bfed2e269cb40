// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An address in the form that `bind(2)` and `connect(2)` take (`unix(7)`).
struct SocketAddress {
    private var storage = sockaddr_un()
    private let length: socklen_t

    /// The form of a checked address, which always fits. For a name that is only displayed it is empty, which the
    /// kernel refuses to connect to (EINVAL).
    init(_ address: PipeAddress) {
        switch address.kind {
        case .file: self.init(name: Array(address.text.utf8) + [0])
        case .abstract: self.init(name: [0] + Array(address.text.utf8))
        case .fifo, .other: self.init(name: [])
        }
    }

    /// A socket file's path; nil if it does not fit.
    init?(path: String) {
        guard path.utf8.count <= PipeAddress.maximumByteCount else { return nil }
        self.init(name: Array(path.utf8) + [0])
    }

    /// A file of an open directory, through `/proc/self/fd` (`proc(5)`): whatever happens to the directory's path, and
    /// however long it is, this is the directory that was checked. Needs `/proc` to be mounted.
    ///
    /// The name must have at most ``maximumNameByteCount`` bytes.
    init(_ name: String, in directory: borrowing Directory) {
        self.init(name: Array("/proc/self/fd/\(directory.descriptor.rawValue)/\(name)".utf8) + [0])
    }

    /// The room that the 107 bytes leave for a name after `/proc/self/fd/2147483647/`.
    static let maximumNameByteCount = PipeAddress.maximumByteCount - 25

    /// The bytes of the structure's name: a file's end with a NUL, an abstract name's begin with one.
    init(name: [UInt8]) {
        precondition(name.count <= MemoryLayout.size(ofValue: storage.sun_path), "\(name.count) bytes of name")
        storage.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &storage.sun_path) { unsafe $0.copyBytes(from: name) }
        // The length matters: for an abstract socket, trailing zeros would be part of the name.
        length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    }

    /// Lends the structure and its length for one call.
    func withUnsafePointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe Swift.withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
