// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// A descriptor that is read or written without blocking, although its open file description (open(2)) may belong to
/// other processes as well and has to keep its flags: an `O_NONBLOCK` on a shell's terminal would stay there after us,
/// and other programs on it would fail with EAGAIN.
///
/// | The descriptor | What keeps a call from blocking |
/// |---|---|
/// | a socket | `MSG_DONTWAIT` (recv(2)) |
/// | a terminal | a description of our own with `O_NONBLOCK`, opened at `/proc/self/fd` |
/// | an anonymous pipe | `RWF_NOWAIT` (preadv2(2)); for writing with `RWF_NOSIGNAL`, since Linux 6.18 |
/// | a FIFO, or one of the others where that fails | `poll(2)`, then one read, or writes of at most `PIPE_BUF` bytes |
/// | a file, /dev/null | nothing: it is always ready, and written synchronously |
///
/// The answer of `poll(2)` is out of date if another process uses the same end meanwhile. In that case, the call waits
/// for the other end.
struct StreamDescriptor: ~Copyable {
    private let owned: OwnedDescriptor
    private var manner: Manner

    private enum Manner {
        case socket(isGuarded: Bool)
        case nonBlocking
        case flagged
        case polled(byteLimit: Int)
    }

    /// Takes over an open descriptor.
    static func take(_ descriptor: consuming OwnedDescriptor) throws(SystemError) -> StreamDescriptor {
        let number = descriptor.rawValue
        switch try FileStatus(of: number).kind {
        case .socket:
            let isGuarded = DescriptorRefusal.Guarded.thoseThatPass.includes(number)
            let socket = OwnedDescriptor(taking: descriptor.release(), mayHoldDescriptors: isGuarded)
            return StreamDescriptor(owned: socket, manner: .socket(isGuarded: isGuarded))
        case .fifo:
            return StreamDescriptor(owned: descriptor, manner: .flagged)
        default:
            guard isatty(number) == 1 else {
                return StreamDescriptor(owned: descriptor, manner: .polled(byteLimit: turnByteCount))
            }
            guard let own = SharedDescription.reopened(number) else {
                // A line of text at a time: a terminal that reports room may have room for less than that.
                return StreamDescriptor(owned: descriptor, manner: .polled(byteLimit: 256))
            }
            return StreamDescriptor(owned: own, manner: .nonBlocking)
        }
    }

    /// Takes over a descriptor whose description belongs to this process alone, and has `O_NONBLOCK`.
    static func takeNonBlocking(_ descriptor: consuming OwnedDescriptor) -> StreamDescriptor {
        StreamDescriptor(owned: descriptor, manner: .nonBlocking)
    }

    private init(owned: consuming OwnedDescriptor, manner: Manner) {
        self.owned = owned
        self.manner = manner
    }

    var number: Int32 { owned.rawValue }

    var isSocket: Bool { if case .socket = manner { true } else { false } }

    /// The most that is read at a time from a file, and the most that one call writes without a flag for it.
    static let turnByteCount = 64 << 10
}

/// The descriptor that is read, and the one that is written.
struct TwoDescriptors: ~Copyable {
    let input: StreamDescriptor
    let output: StreamDescriptor

    init(reading input: consuming OwnedDescriptor, writing output: consuming OwnedDescriptor) throws(SystemError) {
        let first = try StreamDescriptor.take(input)
        let second = try StreamDescriptor.take(output)
        self.input = first
        self.output = second
    }
}

// MARK: - Reading

extension StreamDescriptor {
    /// One read into `space`.
    ///
    /// - Parameter passed: set to true if the peer has sent descriptors, which a helper thread closes.
    mutating func receive(
        into space: UnsafeMutableRawBufferPointer, _ passed: inout Bool
    ) throws(SystemError) -> ReadOutcome<Int> {
        switch manner {
        case .socket(isGuarded: false):
            return try unsafe Socket.receiveWithoutWaiting(number, space)
        case .socket(isGuarded: true):
            return try unsafe AncillaryRead.receive(number, space).map { received in
                passed = passed || received.hasAny
                DescriptorDisposal.shared.close(received: received.descriptors)
                return received.byteCount
            }
        case .nonBlocking:
            return try readCall("read") { unsafe read(number, space.baseAddress, space.count) }
        case .flagged:
            do {
                return try readCall("preadv2") { unsafe SharedDescription.readWithoutWaiting(number, space) }
            } catch  where error.code == EOPNOTSUPP {
                manner = .polled(byteLimit: SharedDescription.atomicByteCount)
                return try unsafe receivePolled(into: space)
            }
        case .polled:
            return try unsafe receivePolled(into: space)
        }
    }

    private func receivePolled(into space: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadOutcome<Int> {
        guard try SharedDescription.isReady(number, for: POLLIN) else { return .wouldBlock }
        let count = min(space.count, Self.turnByteCount)
        return try readCall("read") { unsafe read(number, space.baseAddress, count) }
    }
}

// MARK: - Writing

extension StreamDescriptor {
    /// One write, or several small ones. None raises SIGPIPE.
    ///
    /// - Returns: the number of bytes that were taken; nil if it would block.
    mutating func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        switch manner {
        case .socket:
            return try unsafe Socket.sendWithoutWaiting(number, bytes)
        case .nonBlocking:
            return try withoutPipeSignal { () throws(SystemError) in
                try nonBlockingCall("write") { unsafe write(number, bytes.baseAddress, bytes.count) }
            }
        case .flagged:
            do {
                return try nonBlockingCall("pwritev2") { unsafe SharedDescription.writeWithoutWaiting(number, bytes) }
            } catch  where error.code == EOPNOTSUPP {
                manner = .polled(byteLimit: SharedDescription.atomicByteCount)
                return try unsafe send(bytes)
            }
        case .polled(let byteLimit):
            return try unsafe sendPolled(bytes, byteLimit)
        }
    }

    private func sendPolled(_ bytes: UnsafeRawBufferPointer, _ byteLimit: Int) throws(SystemError) -> Int? {
        var count = 0
        while count < min(bytes.count, Self.turnByteCount), try SharedDescription.isReady(number, for: POLLOUT) {
            let piece = unsafe UnsafeRawBufferPointer(rebasing: bytes[count...].prefix(byteLimit))
            let taken = try withoutPipeSignal { () throws(SystemError) in
                try nonBlockingCall("write") { unsafe write(number, piece.baseAddress, piece.count) }
            }
            guard let taken else { break }
            count += taken
        }
        return count > 0 ? count : nil
    }
}

// MARK: - The end

extension StreamDescriptor {
    /// How the reader of what is written here went away; nil while it is there, or if there is none, as of a file.
    func readerHangUp() throws(SystemError) -> PeerHangUp? {
        guard !isSocket else { return try Socket.hangUp(number) }
        var entry = pollfd(fd: number, events: 0, revents: 0)
        guard try systemCall("poll", { unsafe poll(&entry, 1, 0) }) == 1 else { return nil }
        return SharedDescription.unreadByteCount(number) > 0 ? .reset : .clean
    }
}
