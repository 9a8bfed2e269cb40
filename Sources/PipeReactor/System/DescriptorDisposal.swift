// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Closes descriptors that untrusted peers have sent, and sockets that may still contain such descriptors, on its own
/// threads.
///
/// Closing the last descriptor of a file blocks for as long as the file's implementation needs. A TCP socket with
/// `SO_LINGER` may need seconds, or an hour, and its sender chooses that. So on kernels that do not refuse descriptors
/// for us (`SO_PASSRIGHTS`, before Linux 6.16), no such descriptor is closed on a reactor's thread.
///
/// Each item that finds no free thread starts one, up to ``threadLimit``; a thread ends when nothing waits. To keep the
/// threads from being held up, sockets that were sent lose their `SO_LINGER` first. That does not reach a socket in the
/// queue of another socket; several threads exist for those.
package final class DescriptorDisposal: Sendable {
    /// The only instance of the process.
    package static let shared = DescriptorDisposal()

    /// How many closes may block before the next one waits.
    package static let threadLimit = 8

    /// No enumeration with payloads: its cases would be told apart by spare bits of the arrays' addresses, and
    /// LeakSanitizer, which does not find such an address, would report what waits when a process exits.
    private struct Item {
        enum Origin {
            case socket, received, own
        }

        let origin: Origin
        var socket: Int32 = -1
        var descriptors: [Int32] = []
        var done: @Sendable () -> Void = {}
    }

    private struct State {
        var waiting: [Item] = []
        var threadCount = 0
    }

    private let state = Mutex(State())

    /// How many threads are closing something now.
    package var threadCount: Int { state.withLock(\.threadCount) }

    /// Closes a connected socket and all unread descriptors in it, or a listening socket and the clients in its queue.
    /// May be called from any thread; it does not wait.
    package func close(socket: Int32) { add(Item(origin: .socket, socket: socket)) }

    /// Closes descriptors that were received through a socket. May be called from any thread; it does not wait.
    ///
    /// - Parameter done: called on a thread of this object, when they are closed. The default does nothing.
    package func close(received: [Int32], then done: @escaping @Sendable () -> Void = {}) {
        if !received.isEmpty { add(Item(origin: .received, descriptors: received, done: done)) }
    }

    /// Closes descriptors of this process that another one has been handed copies of. Their options stay as they are,
    /// because the other process shares them. May be called from any thread; it does not wait.
    package func close(own: [Int32]) {
        if !own.isEmpty { add(Item(origin: .own, descriptors: own)) }
    }

    private func add(_ item: Item) {
        let needsThread = state.withLock { state in
            state.waiting.append(item)
            guard state.threadCount < Self.threadLimit else { return false }
            state.threadCount += 1
            return true
        }
        guard needsThread, !startThread() else { return }
        // If no thread can be started, the item waits for the next one, because closing it here is what must not
        // happen. But the peer is told now.
        if item.origin == .socket, !Self.isListening(item.socket) { _ = shutdown(item.socket, Int32(SHUT_RDWR)) }
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
            switch item.origin {
            case .socket:
                if !Self.isListening(item.socket) { Self.disarmContents(of: item.socket) }
                _ = Glibc.close(item.socket)
            case .received:
                for descriptor in item.descriptors { Self.disarmAndClose(descriptor) }
                item.done()
            case .own:
                for descriptor in item.descriptors { _ = Glibc.close(descriptor) }
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
    /// Whether it is a listener, which other processes may share, so that we may only close it.
    private static func isListening(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
    }

    private static func disarmAndClose(_ descriptor: Int32) {
        var off = linger(l_onoff: 0, l_linger: 0)
        // Anything but a socket returns ENOTSOCK.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
        _ = Glibc.close(descriptor)
    }

    /// Receives the descriptors in a socket's queue. If there were any bytes, one byte stays: ECONNRESET tells a peer
    /// that its bytes were not read, and that has to be the same on all kernels.
    private static func disarmContents(of socket: Int32) {
        // From now on nothing can be added to the queue.
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
            // Not the last reference: the byte that stays keeps its descriptors, which are disarmed.
            _ = unsafe disarm(socket, UnsafeMutableRawBufferPointer(rebasing: space[..<1]), flags: Int32(MSG_PEEK))
        }
    }

    /// How many bytes were examined; 0 if nothing more can be received, because the queue is empty, or because a read
    /// fails: then the rest is closed as it is.
    private static func disarm(_ socket: Int32, _ space: UnsafeMutableRawBufferPointer, flags: Int32) -> Int {
        do {
            guard case .content(let received) = try unsafe AncillaryRead.receive(socket, space, flags: flags)
            else { return 0 }
            for descriptor in received.descriptors { disarmAndClose(descriptor) }
            return received.byteCount
        } catch {
            return 0
        }
    }
}
