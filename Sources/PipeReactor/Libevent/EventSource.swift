// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
internal import Glibc

/// The only owner of a libevent event and, unless it is borrowed, of the descriptor below it.
///
/// The purpose of this type is the order in which the two end: epoll forgets first, then the descriptor closes. In the
/// opposite order, the next descriptor with that number would be added without an error, and its events never reported.
///
/// The handler is not retained: it owns the source, and releases it before it ends itself.
///
/// One word, and one block of memory for libevent's `struct event` and everything that belongs to it. With an object
/// around a separate event, each connection had one allocation and 48 bytes more, and each event a retain and a
/// release.
@safe
package struct EventSource: ~Copyable {
    private let block: UnsafeMutablePointer<Block>

    @safe
    fileprivate struct Block {
        // Unretained and unchecked: retaining it would make a cycle, and a checked reference has a cost at each event.
        let handler: UnsafeRawPointer
        let handlerType: any EventHandler.Type
        // Retained, so that the base is freed after its last event.
        let base: EventBase
        // Closed at the end; -1 if other code owns it.
        var ownedDescriptor: Int32
        let mayHoldDescriptors: Bool

        // libevent's structure follows the block. It consists of pointers, times and smaller numbers.
        static var eventOffset: Int { (MemoryLayout<Block>.size + 7) & ~7 }
    }

    /// Creates a source that owns its descriptor, not yet registered.
    package init(
        _ reactor: Reactor, owning descriptor: consuming OwnedDescriptor, _ interest: Interest,
        handler: any EventHandler
    ) {
        let mayHoldDescriptors = descriptor.mayHoldDescriptors
        let number = descriptor.release()
        self.init(reactor.base, number, owned: number, mayHoldDescriptors: mayHoldDescriptors, interest, handler)
    }

    /// Creates a source for a descriptor that its owner closes after this source has ended. -1 for a timer.
    package init(_ reactor: Reactor, borrowing descriptor: Int32, _ interest: Interest, handler: any EventHandler) {
        self.init(reactor.base, descriptor, owned: -1, interest, handler)
    }

    init(
        _ base: EventBase, _ number: Int32, owned: Int32 = -1, mayHoldDescriptors: Bool = false, _ interest: Interest,
        _ handler: any EventHandler
    ) {
        // Swift's own raw allocation asks for an alignment that malloc guarantees anyway, and takes twice as long.
        guard let memory = unsafe malloc(Block.eventOffset + event_get_struct_event_size()) else {
            preconditionFailure("out of memory")
        }
        unsafe block = memory.bindMemory(to: Block.self, capacity: 1)
        let object = unsafe UnsafeRawPointer(Unmanaged.passUnretained(handler as AnyObject).toOpaque())
        unsafe block.initialize(
            to: Block(
                handler: object, handlerType: type(of: handler), base: base, ownedDescriptor: owned,
                mayHoldDescriptors: mayHoldDescriptors))
        // Decided here, so that a reactor without measurements does not check at each event.
        let result =
            base.meter == nil
            ? unsafe event_assign(event, base.pointer, number, interest.flags, eventDidFire, block)
            : unsafe event_assign(event, base.pointer, number, interest.flags, measuredEventDidFire, block)
        precondition(result == 0, "event_assign: a descriptor or flags that libevent does not take")
    }

    private var event: OpaquePointer { unsafe OpaquePointer(UnsafeMutableRawPointer(block) + Block.eventOffset) }

    /// Registers with epoll (`event_add(3)`, `epoll_ctl(2)`), without a time limit.
    ///
    /// - Throws: ``SystemError`` with `ENOSPC` (`fs.epoll.max_user_watches`), `ENOMEM`, or `EPERM` for a descriptor
    ///   that epoll does not take, such as a regular file.
    package func register() throws(SystemError) {
        errno = 0
        guard unsafe event_add(event, nil) == 0 else {
            throw SystemError(call: "epoll_ctl", code: errno == 0 ? ENOMEM : errno)
        }
    }

    /// Stops callbacks until ``register()`` is called again. Costs one `epoll_ctl` if epoll watches the descriptor.
    package func unregister() {
        precondition(unsafe event_del(event) == 0, "event_del failed")
    }

    /// Sets the timer: one callback with ``Readiness/timedOut`` once `delay` has passed, on the coarse monotonic clock.
    package func arm(after delay: Duration) {
        let (seconds, attoseconds) = delay.clampedForTimers.components
        var interval = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        precondition(unsafe event_add(event, &interval) == 0, "event_add of a timer: out of memory")
    }

    /// Ends the registration, and gives the owned descriptor to the caller; nil if there is none. The source never
    /// registers again.
    package func giveUpDescriptor() -> OwnedDescriptor? {
        unregister()
        let number = unsafe block.pointee.ownedDescriptor
        guard number >= 0 else { return nil }
        unsafe block.pointee.ownedDescriptor = -1
        return unsafe OwnedDescriptor(taking: number, mayHoldDescriptors: block.pointee.mayHoldDescriptors)
    }

    /// Ends the registration, then closes an owned descriptor. Allowed inside the handler.
    deinit {
        unregister()
        unsafe event_debug_unassign(event)
        let descriptor = unsafe block.pointee.ownedDescriptor
        if descriptor >= 0 {
            _ = unsafe OwnedDescriptor(taking: descriptor, mayHoldDescriptors: block.pointee.mayHoldDescriptors)
        }
        unsafe block.deinitialize(count: 1)
        unsafe free(block)
    }
}

/// The handler of a source's events.
package protocol EventHandler: AnyObject {
    /// Called on the reactor's thread. The source may be released inside.
    func handle(_ readiness: Readiness)

    /// The name of its events in measurements. The default is "event".
    static var callbackName: StaticString { get }

    /// Calls ``handle(_:)`` of the object behind a pointer. The default retains it for the duration of the call,
    /// because it may drop the last other reference to itself, and with it the source. A caller that ensures this
    /// otherwise saves a retain and a release at each event.
    static func dispatch(_ readiness: Readiness, to handler: UnsafeRawPointer)
}

extension EventHandler {
    package static var callbackName: StaticString { "event" }

    package static func dispatch(_ readiness: Readiness, to handler: UnsafeRawPointer) {
        unsafe Unmanaged<Self>.fromOpaque(handler).takeUnretainedValue().handle(readiness)
    }
}

/// libevent's callback, which only finds the object.
private func eventDidFire(_: Int32, _ flags: Int16, _ context: UnsafeMutableRawPointer?) {
    let block = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: EventSource.Block.self)
    unsafe block.pointee.base.hasFired = true
    unsafe block.pointee.handlerType.dispatch(Readiness(rawValue: flags & ~Int16(EV_ET)), to: block.pointee.handler)
}

/// The same on a reactor with measurements.
private func measuredEventDidFire(_ number: Int32, _ flags: Int16, _ context: UnsafeMutableRawPointer?) {
    let block = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: EventSource.Block.self)
    // The callback may end the source, and with it the memory of these values.
    let (base, name) = unsafe (block.pointee.base, block.pointee.handlerType.callbackName)
    base.meter?.measure(name) { unsafe eventDidFire(number, flags, context) }
}

extension Interest {
    fileprivate var flags: Int16 {
        switch self {
        case .edgeWritable: Int16(EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST)
        case .readable: Int16(EV_READ | EV_CLOSED | EV_PERSIST)
        case .writable: Int16(EV_WRITE | EV_PERSIST)
        case .timer: 0
        }
    }
}
