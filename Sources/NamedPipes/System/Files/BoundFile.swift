// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

extension Socket {
    /// The inode of the file that a Unix socket is bound to, wherever that file was moved; nil if the kernel does not
    /// tell (`NETLINK_SOCK_DIAG`, sock_diag(7)): the interface can be compiled out, forbidden, or unavailable in
    /// another network namespace.
    ///
    /// Its lower 32 bits only. The device's number is omitted, because stat(2) reports another one on stacked file
    /// systems.
    static func boundInode(_ descriptor: Int32) -> UInt32? {
        do {
            let inode = try FileStatus(of: descriptor).identity.inode
            let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
            let diagnosis = OwnedDescriptor(
                taking: try systemCall("socket") { socket(AF_NETLINK, type, SocketDiagnosis.protocolNumber) })
            let number = diagnosis.rawValue
            let request = SocketDiagnosis.request(aboutInode: UInt32(truncatingIfNeeded: inode))
            _ = try systemCall("send") { unsafe Glibc.send(number, request, request.count, 0) }
            var answer = [UInt8](repeating: 0, count: 1024)
            // The answer is available when send returns.
            let count = try nonBlockingCall("recv") {
                unsafe Glibc.recv(number, &answer, answer.count, Int32(MSG_DONTWAIT))
            }
            return SocketDiagnosis.fileInode(in: answer.prefix(count ?? 0))
        } catch {
            return nil
        }
    }
}

/// `struct nlmsghdr`, `struct unix_diag_req` and `struct unix_diag_msg` of linux/netlink.h and linux/unix_diag.h, as
/// far as one query about one socket needs them.
enum SocketDiagnosis {
    static let protocolNumber: Int32 = 4

    private static let socketByFamily: UInt16 = 20
    private static let isRequest: UInt16 = 1
    private static let showFile: UInt32 = 2
    private static let fileAttribute: UInt16 = 1

    static func request(aboutInode inode: UInt32) -> [UInt8] {
        let family = bytes(UInt32(AF_UNIX))
        // Any state, and no cookie to compare.
        let body = family + bytes(UInt32.max) + bytes(inode) + bytes(showFile) + bytes(UInt64.max)
        return bytes(UInt32(16 + body.count)) + bytes(socketByFamily) + bytes(isRequest) + bytes(UInt64(1)) + body
    }

    /// Attributes follow each other at multiples of four, each behind its length and its kind.
    static func fileInode(in answer: ArraySlice<UInt8>) -> UInt32? {
        guard answer.count >= 32, answer.number(at: 4, UInt16.self) == socketByFamily else { return nil }
        var rest = answer.prefix(Int(answer.number(at: 0, UInt32.self))).dropFirst(32)
        while rest.count >= 4 {
            let length = Int(rest.number(at: 0, UInt16.self))
            guard (4...rest.count).contains(length) else { return nil }
            if rest.number(at: 2, UInt16.self) == fileAttribute, length >= 8 { return rest.number(at: 4, UInt32.self) }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return nil
    }

    private static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    }
}

extension ArraySlice<UInt8> {
    /// A number in the machine's own byte order. The caller has checked the bounds.
    fileprivate func number<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _ type: Value.Type) -> Value {
        unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
