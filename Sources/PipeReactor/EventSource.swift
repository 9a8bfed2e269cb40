// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc

/// The one owner of a libevent event and, unless it is borrowed, of the descriptor below it.
///
/// The order in which the two end is the point of this type: epoll forgets first, then the descriptor closes. The other
/// way round, the next descriptor with that number would be added without complaint and never be heard of.
///
/// The handler is not retained: it owns the source and cancels it, or lets it go, before it ends itself.
@safe
package final class EventSource {
    private var event: OpaquePointer?
    private let base: EventBase
    private var descriptor: OwnedDescriptor?
    // Unretained and unchecked: a retain of its own would be a cycle, a checked reference costs at each event.
    private unowned(unsafe) let handler: any EventHandler

    /// Makes a source that owns its descriptor, not yet registered.
    package convenience init(
        _ reactor: Reactor, owning descriptor: consuming OwnedDescriptor, _ interest: Interest,
        handler: any EventHandler
    ) {
        self.init(reactor.base, descriptor.rawValue, interest, handler)
        self.descriptor = consume descriptor
    }

    /// Makes a source for a descriptor that somebody else closes, after this source is cancelled. -1 for a timer.
    package convenience init(
        _ reactor: Reactor, borrowing descriptor: Int32, _ interest: Interest, handler: any EventHandler
    ) {
        self.init(reactor.base, descriptor, interest, handler)
    }

    init(_ base: EventBase, _ number: Int32, _ interest: Interest, _ handler: any EventHandler) {
        self.base = base
        unsafe self.handler = handler
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe event = event_new(base.pointer, number, interest.flags, eventDidFire, context)
        precondition(unsafe event != nil, "event_new: out of memory")
    }

    /// Registers with epoll (`event_add(3)`, `epoll_ctl(2)`), without a time limit.
    ///
    /// - Throws: ``SystemError`` with `ENOSPC` (`fs.epoll.max_user_watches`), `ENOMEM`, or `EPERM` for a descriptor that
    ///   epoll does not take, such as a regular file.
    package func register() throws(SystemError) {
        errno = 0
        guard unsafe event_add(event, nil) == 0 else {
            throw SystemError(call: "epoll_ctl", code: errno == 0 ? ENOMEM : errno)
        }
    }

    /// Stops callbacks until ``register()`` is called again. Costs one `epoll_ctl` where epoll watches the descriptor.
    package func unregister() {
        guard let event = unsafe event else { return }
        precondition(unsafe event_del(event) == 0, "event_del failed")
    }

    /// Sets the timer: one callback with ``Readiness/timedOut`` once `delay` has passed, on the coarse monotonic clock.
    package func arm(after delay: Duration) {
        let parts = max(delay, .zero).components
        let seconds = Int(min(parts.seconds, 1 << 40))
        var interval = timeval(tv_sec: seconds, tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
        precondition(unsafe event_add(event, &interval) == 0, "event_add of a timer: out of memory")
    }

    /// Ends the registration, then closes an owned descriptor. Allowed inside the handler; a second call does nothing.
    package func cancel() {
        guard let event = unsafe event else { return }
        unsafe event_free(event)
        unsafe self.event = nil
        descriptor = nil
    }

    deinit { cancel() }

    fileprivate func fire(_ flags: Int16) {
        unsafe handler.handle(Readiness(libevent: flags), of: self)
    }
}

/// Who hears of a source's events.
package protocol EventHandler: AnyObject {
    /// Called on the reactor's thread. The source may be cancelled and let go inside.
    func handle(_ readiness: Readiness, of source: EventSource)
}

/// libevent's callback: it only finds the object.
private func eventDidFire(_: Int32, _ flags: Int16, _ context: UnsafeMutableRawPointer?) {
    // A +1 for the duration of the call: the handler may drop the last other reference.
    let source = unsafe Unmanaged<EventSource>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    source.fire(flags)
}

extension Interest {
    fileprivate var flags: Int16 {
        switch self {
        case .edgeReadable: Int16(EV_READ | EV_CLOSED | EV_ET | EV_PERSIST)
        case .edgeWritable: Int16(EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST)
        case .readable: Int16(EV_READ | EV_PERSIST)
        case .writable: Int16(EV_WRITE | EV_PERSIST)
        case .timer: 0
        }
    }
}

extension Readiness {
    fileprivate init(libevent flags: Int16) {
        var readiness: Readiness = []
        if flags & Int16(EV_READ) != 0 { readiness.insert(.readable) }
        if flags & Int16(EV_WRITE) != 0 { readiness.insert(.writable) }
        if flags & Int16(EV_CLOSED) != 0 { readiness.insert(.peerFinished) }
        if flags & Int16(EV_TIMEOUT) != 0 { readiness.insert(.timedOut) }
        self = readiness
    }
}
