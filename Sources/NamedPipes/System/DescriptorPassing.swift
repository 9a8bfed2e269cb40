// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// Who keeps out descriptors that a peer sends: the kernel, or we.
enum DescriptorPassing {
    /// Whether the kernel does it (`SO_PASSRIGHTS`, since Linux 6.16). Asked once; where it cannot be asked, the answer is
    /// the one that is safe.
    static let isRefusedByKernel: Bool = {
        do { return try NamingSocket.refuseDescriptors(NamingSocket.make()) } catch { return false }
    }()

    /// Undoes what ``NamingSocket/refuseDescriptors(_:)`` did, so that this kernel is like one that cannot.
    static func allow(_ descriptor: Int32) throws(SystemError) {
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("setsockopt") { unsafe setsockopt(descriptor, SOL_SOCKET, passRights, &yes, size) }
    }
}
