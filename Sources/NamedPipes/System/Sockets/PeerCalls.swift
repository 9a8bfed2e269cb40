// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

// The kernel's facts about the other end of a connection (unix(7), socket(7)). Glibc's headers lack the newer options.

// Since Linux 4.13.
private let peerGroupsOption: Int32 = 59
// Since Linux 6.5.
private let peerPIDFDOption: Int32 = 77

extension Socket {
    /// `SO_PEERCRED` (unix(7)): the credentials of the other end when the connection was made.
    static func peer(_ descriptor: Int32) throws(SystemError) -> PeerCredentials {
        // struct ucred, which Glibc hides: pid, uid, gid.
        var found: (Int32, UInt32, UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: found))
        _ = try systemCall("getsockopt") { unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &found, &length) }
        return PeerCredentials(userID: found.1, groupID: found.2, processID: found.0)
    }

    /// The peer that the kernel names; ``PeerCredentials/unknown`` for everything but a connected Unix socket. On TCP,
    /// `SO_PEERCRED` succeeds and says nothing.
    static func peerIfNamed(_ descriptor: Int32) throws(SystemError) -> PeerCredentials {
        guard try FileStatus(of: descriptor).kind == .socket, try option(descriptor, SO_DOMAIN) == AF_UNIX else {
            return .unknown
        }
        return try peer(descriptor)
    }

    /// `SO_PEERGROUPS`: the supplementary groups of that moment.
    static func peerGroups(_ descriptor: Int32) throws(SystemError) -> [UInt32] {
        // Most peers have few; ERANGE comes with their number, which never changes.
        var groups = [UInt32](repeating: 0, count: 64)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<UInt32>.stride)
            do {
                _ = try systemCall("getsockopt") {
                    unsafe getsockopt(descriptor, SOL_SOCKET, peerGroupsOption, &groups, &length)
                }
                return Array(groups.prefix(Int(length) / MemoryLayout<UInt32>.stride))
            } catch  where error.code == ERANGE && Int(length) > groups.count * MemoryLayout<UInt32>.stride {
                groups = [UInt32](repeating: 0, count: Int(length) / MemoryLayout<UInt32>.stride)
            }
        }
    }

    /// `SIOCOUTQ` (unix(7)): how much of the kernel's memory is taken by bytes that were written here and that the peer
    /// has yet to read. More than their number, because the kernel has to manage them as well.
    private static func outputMemory(_ descriptor: Int32) throws(SystemError) -> Int {
        var byteCount: Int32 = 0
        _ = try systemCall("ioctl") { unsafe ioctl(descriptor, UInt(TIOCOUTQ), &byteCount) }
        return Int(byteCount)
    }

    /// Whether the peer has yet to read bytes that were written here.
    static func hasUnreadOutput(_ descriptor: Int32) throws(SystemError) -> Bool { try outputMemory(descriptor) > 0 }

    /// The number of bytes that a write would take now, at least: the rest of `SO_SNDBUF` (socket(7)), less what the
    /// kernel needs for itself. It takes pieces of about 36 KiB, and looks for room before each.
    static func outputRoom(_ descriptor: Int32) throws(SystemError) -> Int {
        var byteCount: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("getsockopt") {
            unsafe getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &byteCount, &size)
        }
        let room = Int(byteCount) - (try outputMemory(descriptor))
        return room - room / 32 - (4 << 10)
    }

    /// Whether the process of a process descriptor still runs: the descriptor becomes readable when it ends, and stays
    /// so.
    static func isProcessRunning(_ process: borrowing OwnedDescriptor) throws(SystemError) -> Bool {
        var entry = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
        return try systemCall("poll") { unsafe poll(&entry, 1, 0) } == 0
    }

    /// `SO_PEERPIDFD`: a descriptor of the process that connected (pidfd_open(2)), close-on-exec.
    static func peerProcess(_ descriptor: Int32) throws(SystemError) -> OwnedDescriptor {
        var found: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("getsockopt") {
            unsafe getsockopt(descriptor, SOL_SOCKET, peerPIDFDOption, &found, &length)
        }
        return OwnedDescriptor(taking: found)
    }
}
