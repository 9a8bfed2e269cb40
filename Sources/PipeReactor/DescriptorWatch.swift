// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EPERM

/// Reports when one of the embedder's own descriptors is ready: standard input, a signalfd, another library's socket.
///
/// It does not own the descriptor: cancel the watch before closing it. It belongs to the reactor's thread.
public final class DescriptorWatch: EventHandler {
    /// The events to wait for.
    public enum Direction: Sendable {
        /// Bytes to read, or their end (`EPOLLIN`).
        case reading
        /// Room to write (`EPOLLOUT`).
        case writing
    }

    private var source: EventSource?
    private var handler: (() -> Void)?

    init(
        _ reactor: Reactor, _ descriptor: Int32, _ direction: Direction, _ handler: @escaping () -> Void
    ) throws(SystemError) {
        self.handler = handler
        let interest: Interest = direction == .reading ? .readable : .writable
        source = EventSource(reactor, borrowing: descriptor, interest, handler: self)
        do {
            try source?.register()
        } catch  where error.code == EPERM {
            source = nil
            // epoll does not take regular files: they are always ready. So every turn of the loop reports one.
            reactor.runAtEndOfTurn(AlwaysReady(reactor, self))
        }
    }

    /// Ends the watch. Allowed inside the handler; a second call does nothing.
    public func cancel() {
        source = nil
        handler = nil
    }

    package static var callbackName: StaticString { "watched descriptor" }

    package func handle(_ readiness: Readiness) { handler?() }

    deinit { cancel() }

    /// A place in the reactor's queue for a watch that does not retain it: the watch ends when it is released.
    private final class AlwaysReady: TurnWork {
        private unowned let reactor: Reactor
        private weak var watch: DescriptorWatch?

        init(_ reactor: Reactor, _ watch: DescriptorWatch) {
            self.reactor = reactor
            self.watch = watch
        }

        func runInTurn() {
            guard let handler = watch?.handler else { return }
            handler()
            if watch?.handler != nil { reactor.runAtEndOfTurn(self) }
        }
    }
}

extension Reactor {
    /// Calls a function whenever a descriptor is ready, for as long as it is (level-triggered).
    ///
    /// A regular file, which epoll does not take, counts as always ready. Unlike a timer, a watch ends when it is
    /// released, so keep it.
    ///
    /// - Parameters:
    ///   - descriptor: an open descriptor, best non-blocking; it stays the caller's.
    ///   - direction: reading or writing.
    ///   - handler: called on the reactor's thread.
    /// - Returns: the watch; it ends when it is cancelled or released.
    /// - Throws: ``SystemError`` of `epoll_ctl(2)`, such as `ENOSPC`.
    public func watch(
        _ descriptor: Int32, for direction: DescriptorWatch.Direction, handler: @escaping () -> Void
    ) throws(SystemError) -> DescriptorWatch {
        assertOwner()
        return try DescriptorWatch(self, descriptor, direction, handler)
    }
}

@available(*, unavailable, message: "a watch belongs to its reactor's thread")
extension DescriptorWatch: Sendable {}
