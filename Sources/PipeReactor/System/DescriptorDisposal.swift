// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Closes what strangers have sent, and sockets that may still hold such things, on threads of its own.
///
/// Closing the last descriptor of a file blocks for as long as that file asks for. A TCP socket with `SO_LINGER` asks
/// for seconds, or for an hour, and its sender chooses that. So where the kernel does not refuse descriptors for us
/// (`SO_PASSRIGHTS`, before Linux 6.16), nothing of that kind is closed on a reactor's thread.
///
/// A thread is started for each thing that finds none free, up to ``threadLimit``, and ends when nothing waits. What
/// can be done so that they are not held up either is done first: sockets that were sent lose their `SO_LINGER`. That
/// does not reach what lies inside a socket inside a socket; for those there are several threads.
package final class DescriptorDisposal: Sendable {
    /// The process's.
    package static let shared = DescriptorDisposal()

    /// How many closes may be held up before the next one waits.
    package static let threadLimit = 8

    private enum Item {
        case socket(Int32)
        case received([Int32])
    }

    private struct State {
        var waiting: [Item] = []
        var threadCount = 0
    }

    private let state = Mutex(State())

    /// How many threads are closing something now.
    package var threadCount: Int { state.withLock(\.threadCount) }

    /// Closes a connected socket and everything that lies unread in it, or a listening socket and the clients in its
    /// queue. From any thread; it does not wait.
    package func close(socket: Int32) { add(.socket(socket)) }

    /// Closes descriptors that came out of a socket. From any thread; it does not wait.
    package func close(received: [Int32]) { add(.received(received)) }

    private func add(_ item: Item) {
        let needsThread = state.withLock { state in
            state.waiting.append(item)
            guard state.threadCount < Self.threadLimit else { return false }
            state.threadCount += 1
            return true
        }
        guard needsThread, !startThread() else { return }
        // Without a thread it waits for the next one: to close it here is what must not happen. But the peer is told
        // now.
        if case .socket(let descriptor) = item, !Self.isListening(descriptor) {
            _ = shutdown(descriptor, Int32(SHUT_RDWR))
        }
        state.withLock { $0.threadCount -= 1 }
    }

    private func startThread() -> Bool {
        do {
            try SystemThread.startDetached(named: "pipe-close") { [self] in work() }
            return true
        } catch {
            return false
        }
    }

    private func work() {
        while let item = next() {
            switch item {
            case .socket(let descriptor):
                if !Self.isListening(descriptor) { Self.disarmContents(of: descriptor) }
                _ = Glibc.close(descriptor)
            case .received(let descriptors):
                for descriptor in descriptors { Self.disarmAndClose(descriptor) }
            }
        }
    }

    private func next() -> Item? {
        state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.threadCount -= 1
            return nil
        }
    }
}

extension DescriptorDisposal {
    /// Whether it is a listener, which other processes may share: nothing but closing is ours to do.
    private static func isListening(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
    }

    private static func disarmAndClose(_ descriptor: Int32) {
        var off = linger(l_onoff: 0, l_linger: 0)
        // Anything but a socket says ENOTSOCK.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
        _ = Glibc.close(descriptor)
    }

    /// Takes out the descriptors that lie in a socket's queue. One byte stays where there were any: a peer whose bytes
    /// were not read is told so by ECONNRESET, and that is to be the same on all kernels.
    private static func disarmContents(of socket: Int32) {
        // From now on nothing can be put in any more.
        _ = shutdown(socket, Int32(SHUT_RD))
        var unread: Int32 = 0
        guard unsafe ioctl(socket, UInt(FIONREAD), &unread) == 0, unread > 0 else { return }
        unsafe withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { space in
            var rest = Int(unread) - 1
            while rest > 0 {
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: space[..<min(rest, space.count)])
                let count = unsafe disarm(socket, part, flags: 0)
                guard count > 0 else { return }
                rest -= count
            }
            // Not the last reference: the byte that stays keeps what came with it, disarmed.
            _ = unsafe disarm(socket, UnsafeMutableRawBufferPointer(rebasing: space[..<1]), flags: Int32(MSG_PEEK))
        }
    }

    /// How many bytes were looked at; 0 where nothing more can be taken out, because all has been, or because a read
    /// fails: then what is left is closed as it is.
    private static func disarm(_ socket: Int32, _ space: UnsafeMutableRawBufferPointer, flags: Int32) -> Int {
        do {
            guard case .content(let received) = try unsafe ReceivedDescriptors.receive(socket, space, flags: flags)
            else { return 0 }
            for descriptor in received.descriptors { disarmAndClose(descriptor) }
            return received.byteCount
        } catch {
            return 0
        }
    }
}
