// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A published name and its listening socket: accepts a bounded number of clients a turn, and reacts to failures as
/// ``AcceptFailure`` says.
///
/// If the process or the system lacks resources, the socket stays readable, and a loop that retried at once would never
/// end. So the listener rests for a moment. If descriptors are exhausted, it first releases the one that it keeps in
/// reserve, in order to accept waiting clients and hang up on them: they learn of it at once, instead of waiting in
/// vain.
final class Listener: EventHandler {
    private let reactor: Reactor
    private let name: PublishedName
    private let descriptor: Int32
    private let acceptsPerTurn: Int
    private let guarded: DescriptorRefusal.Guarded
    private unowned let owner: any ListenerOwner
    private var source: EventSource?
    private var pause: ScheduledWork?
    private var reserve = ReserveDescriptor()
    private var goneInARow = 0
    /// How many clients were accepted, whether or not they were admitted.
    private(set) var acceptedCount = 0
    /// The action after the last client is accepted; set once no more can come.
    private var whenEmpty: (() -> Void)?

    /// The length of a rest: short enough to resume 50 ms after resources become free, long enough to cost nothing.
    static let restTime = Duration.milliseconds(36)

    /// The number of clients that are hung up on before each rest, and the time that this may take: together with the
    /// other costs of a rest, at most 1 % of a CPU if clients keep coming.
    static let shedLimit = 256
    static let shedTime = Duration.microseconds(50)

    /// The number of clients in a row that may be gone before they are accepted. If the kernel reports more, the
    /// listener rests.
    static let goneLimit = 64

    /// - Parameter owner: outlives the listener.
    init(
        _ reactor: Reactor, _ name: PublishedName, acceptsPerTurn: Int, acceptsDescriptors: Bool,
        owner: any ListenerOwner
    ) throws(SystemError) {
        self.reactor = reactor
        self.name = name
        self.acceptsPerTurn = max(1, acceptsPerTurn)
        guarded = acceptsDescriptors ? .all : name.isInherited ? .thoseThatPass : .none
        self.owner = owner
        guard let descriptor = name.listener else { preconditionFailure("a published name listens") }
        self.descriptor = descriptor
        // A borrowed descriptor: the name closes its socket itself, after the name is removed.
        source = EventSource(reactor, borrowing: descriptor, .readable, handler: self)
        try source?.register()
        // Without a reserve, no client can be shed, and the next shortage tries again.
        try? reserve.acquire()
    }

    /// Where clients find it.
    var address: PipeAddress { name.address }

    /// No server was made after all: an inherited socket can be used again.
    func giveBack() {
        source = nil
        reserve.release()
        name.giveBack()
    }

    /// Gives the name up, if it still has one, and keeps the socket with the waiting clients.
    func giveNameUp() { name.removeName() }

    /// For a socket that has lost its name: takes no more connects, accepts the waiting clients, at the usual number a
    /// turn, and reports when that is done.
    ///
    /// Giving up the name would not suffice: a process that keeps the socket file open (`O_PATH`, open(2)) can still
    /// connect to the socket, as often as it likes. After this call, at most as many clients are left as the backlog
    /// has room for.
    func acceptTheRest(then done: @escaping () -> Void) {
        Socket.stopConnects(descriptor)
        whenEmpty = done
    }

    /// Gives the name up, then closes the socket. Clients that were not accepted yet read ECONNRESET and may try again.
    func stop() {
        source = nil
        pause?.cancel()
        whenEmpty = nil
        reserve.release()
        name.removeName()
        if case .all = guarded, !name.isInherited, !emptyQueue() { return name.closeElsewhere() }
        name.close()
    }

    /// Accepts the waiting clients: closing the socket would discard them, together with what they have sent.
    ///
    /// - Returns: false if clients are left in the queue, because they could not be accepted.
    private func emptyQueue() -> Bool {
        Socket.stopConnects(descriptor)
        do throws(SystemError) {
            while try acceptOne() != nil {}
            return true
        } catch {
            return false
        }
    }

    private func acceptOne() throws(SystemError) -> OwnedDescriptor? { try Socket.accept(descriptor, guarded) }

    package static var callbackName: StaticString { "accepting" }

    package func handle(_ readiness: Readiness) {
        for _ in 0..<acceptsPerTurn {
            // The owner's code may have stopped this listener.
            guard source != nil else { return }
            do throws(SystemError) {
                guard let client = try acceptOne() else { return queueIsEmpty(readiness) }
                goneInARow = 0
                acceptedCount &+= 1
                owner.listenerDidAccept(client)
            } catch {
                guard goesOn(after: error) else { return }
            }
        }
    }

    private func goesOn(after error: SystemError) -> Bool {
        switch AcceptFailure(error) {
        case .clientIsGone:
            goneInARow += 1
            guard goneInARow >= Self.goneLimit else { return true }
            goneInARow = 0
            cannotAccept(error)
        case .noDescriptor: shed(error)
        case .notNow: cannotAccept(error)
        case .never: end(error)
        }
        return false
    }

    private func queueIsEmpty(_ readiness: Readiness) {
        if let whenEmpty {
            source?.unregister()
            self.whenEmpty = nil
            whenEmpty()
        } else if readiness.has(.peerFinished) {
            // Another process that shares the socket has shut it down. The socket would stay readable for ever.
            end(AcceptFailure.listenerWasShutDown)
        }
    }

    private func end(_ error: SystemError) {
        source?.unregister()
        let whenEmpty = whenEmpty
        self.whenEmpty = nil
        owner.listenerDidFail(self, error, isLast: whenEmpty == nil)
        whenEmpty?()
    }

    private func shed(_ error: SystemError) {
        guard reserve.isHeld else { return cannotAccept(error) }
        reserve.release()
        let count = hangUpOnSome()
        // Another thread may have been quicker. Then new clients wait until there is a descriptor for them.
        try? reserve.acquire()
        guard count > 0 else { return cannotAccept(error) }
        rest()
        owner.listenerDidShed(count, error)
    }

    private func hangUpOnSome() -> Int {
        let end = SuspendingClock.now + Self.shedTime
        var count = 0
        do throws(SystemError) {
            while count < Self.shedLimit, count == 0 || .now < end, try acceptOne() != nil { count += 1 }
        } catch {
            // Whatever the error is, the next turn meets it again.
        }
        return count
    }

    private func cannotAccept(_ error: SystemError) {
        rest()
        owner.listenerCannotAccept(error)
    }

    private func rest() {
        source?.unregister()
        pause?.cancel()
        pause = reactor.schedule(after: Self.restTime) { [weak self] in self?.goOn() }
    }

    private func goOn() {
        try? reserve.acquire()
        do throws(SystemError) {
            try source?.register()
        } catch {
            cannotAccept(error)
        }
    }
}

/// The owner of a listener. Each of the calls may stop it.
protocol ListenerOwner: AnyObject {
    func listenerDidAccept(_ client: consuming OwnedDescriptor)

    /// This number of clients were accepted and hung up on, because there are no descriptors for them.
    func listenerDidShed(_ count: Int, _ error: SystemError)

    /// No client can be accepted for now; waiting clients continue to wait.
    func listenerCannotAccept(_ error: SystemError)

    /// No client can be accepted any more.
    ///
    /// - Parameter isLast: whether the listener is not being left anyway, so that the server has to stop it.
    func listenerDidFail(_ listener: Listener, _ error: SystemError, isLast: Bool)
}
