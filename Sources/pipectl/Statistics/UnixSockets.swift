// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

/// A Unix socket as the kernel describes it to every user.
struct UnixSocket: Equatable {
    /// The file to which it was bound, even if that has moved since.
    struct File: Hashable {
        var inode: UInt32
        var device: UInt32
    }

    /// The number that lsof and /proc/PID/fd show for it.
    var inode: UInt32 = 0
    var isListening: Bool
    /// Whether it is a stream (`SOCK_STREAM`), as all pipes are.
    var isStream = true
    /// The bytes of an abstract name, without the NUL in front.
    var abstractName: [UInt8]?
    /// The path to which it was bound, even if its file has moved since. Relative to its process's directory then.
    var boundPath: [UInt8]?
    var file: File?
    /// For a listening socket: how many clients wait to be accepted, and how many may.
    var queue: (waiting: Int, limit: Int) = (0, 0)
    /// For a listening socket, if requested: the sockets of the waiting clients, 0 for one whose process has closed it.
    var waiting: [UInt32]?

    static func == (left: UnixSocket, right: UnixSocket) -> Bool {
        left.isListening == right.isListening && left.abstractName == right.abstractName && left.file == right.file
            && left.queue == right.queue
    }
}

extension UnixSocket {
    /// All sockets of this network namespace: `NETLINK_SOCK_DIAG`, sock_diag(7), as in `ss -x`.
    ///
    /// /proc/net/unix would not suffice: it has the path at which a socket was bound, and servers of this library bind
    /// elsewhere and move the file to its place.
    ///
    /// Sockets that wait to be accepted are not included: they have no inode yet.
    static func all() throws(SystemError) -> [UnixSocket] { try answers(to: DiagnosisRequest.all) }

    /// One socket again, with its waiting clients; nil if there are too many of them to be reported (more than fit into
    /// a page of the kernel's), or the socket is gone.
    static func withWaiting(_ socket: UnixSocket) -> UnixSocket? {
        try? answers(to: DiagnosisRequest.waiting(of: socket.inode)).first
    }

    private static func answers(to request: [UInt8]) throws(SystemError) -> [UnixSocket] {
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
        guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
        defer { close(descriptor) }
        guard unsafe send(descriptor, request, request.count, 0) == request.count else {
            throw SystemError(call: "send", code: errno)
        }
        var sockets: [UnixSocket] = []
        var buffer: [UInt8] = Array(repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError(call: "recv", code: errno) }
            let isOne = !DiagnosisRequest.isDump(request)
            guard try DiagnosisReply.take(buffer[..<count], into: &sockets), !isOne else { return sockets }
        }
    }
}

private let NETLINK_SOCK_DIAG: Int32 = 4

/// `struct nlmsghdr` and `struct unix_diag_req` of linux/netlink.h and linux/unix_diag.h.
private enum DiagnosisRequest {
    static var all: [UInt8] { request(requestDump, inode: 0, showing: showNameFileAndQueue) }

    /// Not for all sockets at once: the answer for a busy listener may be longer than the kernel's buffer, which would
    /// end the dump there silently.
    static func waiting(of inode: UInt32) -> [UInt8] {
        request(requestOne, inode: inode, showing: showNameFileAndQueue | showWaiting)
    }

    static func isDump(_ request: [UInt8]) -> Bool { request[6...].starts(with: bytes(requestDump)) }

    private static func request(_ flags: UInt16, inode: UInt32, showing attributes: UInt32) -> [UInt8] {
        let body =
            bytes(UInt8(AF_UNIX)) + bytes(UInt8(0)) + bytes(UInt16(0)) + bytes(UInt32.max) + bytes(inode)
            + bytes(attributes) + bytes(UInt64.max)
        return bytes(UInt32(16 + body.count)) + bytes(DiagnosisReply.socketByFamily) + bytes(flags)
            + bytes(UInt32(1)) + bytes(UInt32(0)) + body
    }

    private static let requestDump: UInt16 = 0x301
    private static let requestOne: UInt16 = 0x001
    private static let showWaiting: UInt32 = 0x08
    private static let showNameFileAndQueue: UInt32 = 0x01 | 0x02 | 0x10

    private static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    }
}

/// The answer: a sequence of messages, each with a sequence of attributes, all at multiples of four.
enum DiagnosisReply {
    static let socketByFamily: UInt16 = 20

    /// - Returns: whether more follows.
    static func take(_ bytes: ArraySlice<UInt8>, into sockets: inout [UnixSocket]) throws(SystemError) -> Bool {
        var rest = bytes
        while rest.count >= 16 {
            let (length, kind) = (Int(rest.number(at: 0, as: UInt32.self)), rest.number(at: 4, as: UInt16.self))
            guard (16...rest.count).contains(length) else { throw SystemError(call: "recv", code: EBADMSG) }
            switch kind {
            case 3: return false
            case 2: throw SystemError(call: "sock_diag", code: -Int32(truncatingIfNeeded: rest.errorCode))
            case socketByFamily where length >= 32: sockets.append(socket(rest.dropFirst(16).prefix(length - 16)))
            default: break
            }
            rest = rest.dropFirst(aligned(length))
        }
        return true
    }

    private static func socket(_ body: ArraySlice<UInt8>) -> UnixSocket {
        var socket = UnixSocket(
            inode: body.number(at: 4, as: UInt32.self), isListening: body.number(at: 2, as: UInt8.self) == listenState)
        socket.isStream = Int(body.number(at: 1, as: UInt8.self)) == Int(SOCK_STREAM.rawValue)
        var rest = body.dropFirst(16)
        while rest.count >= 4 {
            let length = Int(rest.number(at: 0, as: UInt16.self))
            guard (4...rest.count).contains(length) else { break }
            let value = rest.dropFirst(4).prefix(length - 4)
            switch rest.number(at: 2, as: UInt16.self) {
            case 0 where value.first == 0: socket.abstractName = Array(value.dropFirst())
            case 0: socket.boundPath = Array(value.prefix { $0 != 0 })
            case 1 where value.count >= 8:
                socket.file = .init(
                    inode: value.number(at: 0, as: UInt32.self), device: value.number(at: 4, as: UInt32.self))
            case 3:
                socket.waiting = (0..<value.count / 4).map { value.number(at: 4 * $0, as: UInt32.self) }
            case 4 where value.count >= 8:
                socket.queue = (
                    Int(value.number(at: 0, as: UInt32.self)), Int(value.number(at: 4, as: UInt32.self))
                )
            default: break
            }
            rest = rest.dropFirst(aligned(length))
        }
        return socket
    }

    private static let listenState: UInt8 = 10
    private static func aligned(_ count: Int) -> Int { (count + 3) & ~3 }
}

extension ArraySlice<UInt8> {
    /// A number in the machine's own byte order. The caller has checked the bounds.
    fileprivate func number<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    /// The error code of `struct nlmsgerr`.
    fileprivate var errorCode: UInt32 { count >= 20 ? number(at: 16, as: UInt32.self) : 0 }
}
