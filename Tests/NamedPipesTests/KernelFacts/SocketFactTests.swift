// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

// The facts that connections rely on, without the library's reactor: if another kernel or libevent answers differently,
// these tests fail first.

@Suite struct `Facts about the ends of a socket` {
    private let near: RawPeer
    private let far: RawPeer

    init() throws { (near, far) = try RawPeer.pair() }

    private func poll(_ peer: RawPeer) -> Int32 {
        var entry = pollfd(fd: peer.descriptor, events: Int16(POLLIN | POLLOUT | 0x2000), revents: 0)
        _ = unsafe Glibc.poll(&entry, 1, 0)
        return Int32(entry.revents)
    }

    @Test func `after a clean close everything can be read, then the end, and writing fails`() {
        far.writeAll([1, 2, 3])
        far.close()
        #expect(poll(near) == POLLIN | POLLOUT | POLLHUP | 0x2000)
        #expect(near.write([9]) == -Int(EPIPE))
        near.readAll()
        #expect(near.received == [1, 2, 3])
        #expect(near.isAtEnd && near.readErrors.isEmpty)
    }

    @Test func `after a close over unread bytes everything can be read, then one reset, then the end`() {
        near.writeAll([7])
        far.writeAll([1, 2, 3])
        far.close()
        #expect(poll(near) & POLLERR != 0)
        #expect(near.read() == 3)
        #expect(near.read() == nil && near.readErrors == [ECONNRESET])
        #expect(near.read() == 0 && near.readErrors == [ECONNRESET])
        #expect(near.received == [1, 2, 3])
    }

    @Test func `asking for the error clears the reset, and leaves the bytes`() {
        near.writeAll([7])
        far.writeAll([1, 2, 3])
        far.close()
        var code: Int32 = 0
        var size = socklen_t(4)
        _ = unsafe getsockopt(near.descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        #expect(code == ECONNRESET)
        near.readAll()
        #expect(near.received == [1, 2, 3] && near.isAtEnd && near.readErrors.isEmpty)
    }

    @Test(arguments: [0, 1, 50, 1000, 5000, 50_000, 100_000, 150_000, 200_000], [1, 50, 777, 4100, 33_333, 70_001])
    func `one write takes what the send buffer has left, less a little, however much is unread`(
        unread: Int, piece: Int
    ) throws {
        // Small messages take many times their size.
        var rest = unread
        while rest > 0 {
            let size = min(rest, piece)
            rest -= size
            if near.write(pattern(size)) < size { break }
        }
        #expect(try Socket.hasUnreadOutput(near.descriptor) == (unread > 0))
        let room = try Socket.outputRoom(near.descriptor)
        guard room > 0 else { return }
        #expect(near.write(pattern(room)) == room)
    }

    @Test func `after a half-close the other direction works, and there is no hang-up`() {
        far.finishWriting()
        #expect(poll(near) == POLLIN | POLLOUT | 0x2000)
        #expect(near.read() == 0)
        near.writeAll([5])
        far.readAll()
        #expect(far.received == [5])
        near.finishWriting()
        #expect(poll(near) & POLLHUP != 0)
    }

    @Test func `after the peer stops reading there is no event, only a write that fails`() {
        far.finishReading()
        #expect(poll(near) == POLLOUT)
        #expect(near.write([1]) == -Int(EPIPE))
        far.writeAll([2])
        near.readAll()
        #expect(near.received == [2])
    }

    @Test func `an urgent byte ends a read early`() {
        far.writeAll([1, 2])
        far.write([3], flags: 1)
        far.writeAll([4, 5])
        #expect(near.read() == 2)
        near.readAll()
        #expect(near.received == [1, 2, 4, 5])
    }

    @Test func `a passed descriptor ends a read early`() {
        #expect(far.write([1], passing: 2) == 1)
        far.writeAll([2])
        #expect(near.read() == 1)
        near.readAll()
        #expect(near.received == [1, 2])
    }

    @Test func `a short write is a full buffer`() {
        let block = [UInt8](repeating: 0, count: 1 << 20)
        let count = near.write(block)
        #expect(count > 0 && count < block.count)
        #expect(near.write([1]) == -Int(EAGAIN))
        #expect(poll(near) & POLLOUT == 0)
        far.readAll()
        #expect(poll(near) & POLLOUT != 0)
    }
}

@Suite struct `Facts about connecting` {
    private let address: PipeAddress

    init() throws { address = try .unique(prefix: "fact") }

    @Test func `a full queue is EAGAIN, and room comes with an accept`() throws {
        let listener = try RawListener(at: address, backlog: 0)
        let waiting = try listener.fill()
        #expect(waiting.count == 1)
        #expect(throws: SystemError(call: "connect", code: EAGAIN)) { _ = try RawPeer(connectingTo: address) }
        let accepted = listener.accept()
        let late = try RawPeer(connectingTo: address)
        withExtendedLifetime((accepted, late)) {}
    }

    @Test func `without a name it is ENOENT, and without a listener ECONNREFUSED`() throws {
        #expect(throws: SystemError(call: "connect", code: ENOENT)) { _ = try RawPeer(connectingTo: address) }
        let listener = try RawListener(at: address, backlog: nil)
        #expect(throws: SystemError(call: "connect", code: ECONNREFUSED)) { _ = try RawPeer(connectingTo: address) }
        listener.crash()
        #expect(throws: SystemError(call: "connect", code: ECONNREFUSED)) { _ = try RawPeer(connectingTo: address) }
    }

    @Test func `what was written before the accept is there after it, also if the client has closed`() throws {
        let listener = try RawListener(at: address)
        let client = try RawPeer(connectingTo: address)
        client.writeAll([1, 2, 3])
        client.close()
        let accepted = try #require(listener.accept())
        accepted.readAll()
        #expect(accepted.received == [1, 2, 3] && accepted.isAtEnd)
    }

    @Test func `a listener that closes resets the waiting clients`() throws {
        let listener = try RawListener(at: address)
        let client = try RawPeer(connectingTo: address)
        listener.crash()
        #expect(client.read() == nil && client.readErrors == [ECONNRESET])
        #expect(client.write([1]) == -Int(EPIPE))
    }

    @Test func `the peer's numbers are known from the connect on, also after it has closed`() throws {
        let listener = try RawListener(at: address)
        let client = try RawPeer(connectingTo: address)
        let accepted = try #require(listener.accept())
        client.close()
        var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
        var size = socklen_t(12)
        let result = unsafe getsockopt(accepted.descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
        #expect(result == 0)
        #expect(credentials == (getpid(), geteuid(), getegid()))
    }
}

@Suite struct `Facts about libevent` {
    private final class Watch: EventHandler {
        var seen: [Readiness] = []
        private var source: EventSource?

        init(_ reactor: Reactor, _ descriptor: Int32, _ interest: Interest) throws {
            source = EventSource(reactor, borrowing: descriptor, interest, handler: self)
            try source?.register()
        }

        func handle(_ readiness: Readiness) {
            seen.append(readiness)
            source?.unregister()
        }
    }

    @Test func `a reset is reported as mere readability, without the peer's end`() throws {
        try withLoop { loop in
            let (near, far) = try RawPeer.pair()
            near.writeAll([7])
            far.writeAll([1])
            far.close()
            let watch = try Watch(loop.reactor, near.descriptor, .readable)
            try #require(loop.run { !watch.seen.isEmpty })
            #expect(watch.seen == [.readable])
        }
    }

    @Test func `a clean end is reported together with what can be read`() throws {
        try withLoop { loop in
            let (near, far) = try RawPeer.pair()
            far.writeAll([1])
            far.close()
            let watch = try Watch(loop.reactor, near.descriptor, .readable)
            try #require(loop.run { !watch.seen.isEmpty })
            #expect(watch.seen == [[.readable, .peerFinished]])
        }
    }

    @Test func `a hang-up also reaches a watch for room only`() throws {
        try withLoop { loop in
            let (near, far) = try RawPeer.pair()
            while near.write(pattern(10_000)) > 0 {}
            let watch = try Watch(loop.reactor, near.descriptor, .writable)
            loop.settle()
            #expect(watch.seen.isEmpty)
            far.close()
            try #require(loop.run { !watch.seen.isEmpty })
            #expect(watch.seen == [.writable])
        }
    }
}

@Suite struct `24 Descriptors that peers send` {
    @Test func `are refused by the kernel at a server`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            // Linux 6.16 and later: SO_PASSRIGHTS. Before that they are taken and closed unseen.
            let result = raw.peer.write(frame("with a descriptor"), passing: 2)
            #expect(result == -Int(EPERM) || result > 0)
            raw.peer.writeAll(frame("without"))
            try #require(loop.run { raw.recorder.texts.last == "without" })
            #expect(try raw.accepted.isOpen)
        }
    }

    @Test func `are refused by the kernel at a client, too`() throws {
        try withLoop { loop in
            let raw = try RawServer(loop)
            let result = raw.peer.write(frame("one"), passing: 2)
            #expect(result == -Int(EPERM) || result > 0)
            raw.peer.writeAll(frame("two"))
            try #require(loop.run { raw.recorder.texts.last == "two" })
        }
    }
}
