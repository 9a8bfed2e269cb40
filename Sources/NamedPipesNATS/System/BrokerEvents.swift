// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import CNATS
internal import Glibc
internal import PipeReactor
internal import Synchronization

/// What the library reports about one connection to a broker, on whichever thread it does so: the loop's, that which
/// connects, that of its timers, or that of its error handler. Everything is posted to the loop, or is an atomic that
/// the loop reads. No lock of the library is ever taken here, because it holds its own during most of these calls.
final class BrokerEvents: Sendable {
    /// Which attempt to connect this belongs to; what an earlier connection reports is ignored.
    let number: UInt64
    private let link: ReactorReference<NATSLink>
    private let socket = Atomic<Int32>(-1)
    private let outputIsWanted = Atomic(false)

    init(_ number: UInt64, _ link: ReactorReference<NATSLink>) {
        self.number = number
        self.link = link
    }

    /// A duplicate of the connection's descriptor, which the library closes when it likes: the number that the loop
    /// watches stays ours. Nil once it was taken, and if there is none.
    func takeSocket() -> OwnedDescriptor? {
        let number = socket.exchange(-1, ordering: .acquiring)
        return number >= 0 ? OwnedDescriptor(taking: number) : nil
    }

    deinit { _ = takeSocket() }

    /// Whether bytes wait to be written, since this was last asked.
    func takeOutput() -> Bool { outputIsWanted.exchange(false, ordering: .relaxed) }

    // MARK: What the library calls

    fileprivate func didAttach(_ descriptor: Int32) -> natsStatus {
        let duplicate = cnats_duplicate(descriptor)
        guard duplicate >= 0 else { return NATS_SYS_ERROR }
        socket.store(duplicate, ordering: .releasing)
        return NATS_OK
    }

    fileprivate func wantsOutput() {
        outputIsWanted.store(true, ordering: .relaxed)
        // The link looks for itself after everything that it calls; this is the library's timer, which pings.
        guard !link.executor.isCurrent else { return }
        link.perform { [number] in $0.outputIsWanted(number) }
    }

    fileprivate func didClose() {
        link.perform { [number] in $0.brokerDidClose(number) }
    }

    fileprivate func didFail(_ error: NATSError) {
        link.perform { [number] in $0.brokerDidRefuse(error, number) }
    }
}

/// Finds the events of a connection for a callback of the library, which holds a number instead of a pointer. A
/// callback that comes too late finds nothing, so that the library need not say when it has made its last one.
enum BrokerDirectory {
    private static let known = Mutex<(events: [UInt: BrokerEvents], lastKey: UInt)>(([:], 0))

    static func insert(_ events: BrokerEvents) -> UInt {
        known.withLock { known in
            known.lastKey += 1
            known.events[known.lastKey] = events
            return known.lastKey
        }
    }

    static func remove(_ key: UInt) { _ = known.withLock { $0.events.removeValue(forKey: key) } }

    fileprivate static func events(_ key: UnsafeMutableRawPointer?) -> BrokerEvents? {
        let key = UInt(bitPattern: key)
        return known.withLock { $0.events[key] }
    }
}

extension BrokerDirectory {
    /// Makes the library report to the events behind a key.
    static func report(to key: UInt, _ options: OpaquePointer) throws(NATSError) {
        let context = unsafe UnsafeMutableRawPointer(bitPattern: key)
        try libraryCall { unsafe natsOptions_SetEventLoop(options, context, attach, read, write, detach) }
        try libraryCall { unsafe natsOptions_SetErrorHandler(options, fail, context) }
    }
}

private let attach: natsEvLoop_Attach = { userData, loop, _, socket in
    unsafe userData?.pointee = unsafe loop
    return unsafe BrokerDirectory.events(loop)?.didAttach(socket) ?? NATS_ILLEGAL_STATE
}

/// Input is always watched, so that only its end says something: the connection is closed.
private let read: natsEvLoop_ReadAddRemove = { userData, isAdded in
    if !isAdded { unsafe BrokerDirectory.events(userData)?.didClose() }
    return NATS_OK
}

private let write: natsEvLoop_WriteAddRemove = { userData, isAdded in
    if isAdded { unsafe BrokerDirectory.events(userData)?.wantsOutput() }
    return NATS_OK
}

private let detach: natsEvLoop_Detach = { _ in NATS_OK }

/// On a thread of the library. A connection's last error is the only place with the broker's text.
private let fail: natsErrHandler = { connection, _, status, context in
    var text: UnsafePointer<CChar>?
    _ = unsafe natsConnection_GetLastError(connection, &text)
    let error = unsafe NATSError(status, text.map { unsafe String(cString: $0) } ?? "")
    unsafe BrokerDirectory.events(context)?.didFail(error)
}
#endif
