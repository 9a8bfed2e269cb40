// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A published name and its listening socket: accepts a bounded number of clients a turn, and does what
/// ``AcceptFailure`` says.
///
/// Where the process or the system has no room, the socket stays readable, and a loop that asked again at once would
/// never end. So the listener rests for a moment. Out of descriptors, it first gives up the one it keeps in reserve, in
/// order to accept those who wait and hang up on them: they learn at once, instead of waiting for what may never come.
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
    /// The action after the last client is accepted: set once no more can come.
    private var whenEmpty: (() -> Void)?

    /// How long to rest: short enough to be back 50 ms after room was made, long enough to cost nothing.
    static let restTime = Duration.milliseconds(36)

    /// How many are hung up on before each rest, and how long that may take: together with what else a rest costs, at
    /// most 1 % of a processor, if clients come without end.
    static let shedLimit = 256
    static let shedTime = Duration.microseconds(50)

    /// How many clients in a row may have gone before they were accepted. A kernel that says so without end gets a
    /// rest.
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
        // Borrowed: the name closes its socket itself, after the name is gone.
        source = EventSource(reactor, borrowing: descriptor, .readable, handler: self)
        try source?.register()
        // Without one, no client is turned away, and the next need tries again.
        try? reserve.acquire()
    }

    /// Gives the name up, if it still has one, and keeps the socket with the clients that wait there.
    func giveNameUp() { name.removeName() }

    /// For a socket that has lost its name: takes no more connects, accepts the clients that wait, in turns of the
    /// usual size, and says when that is done.
    ///
    /// The name alone would not do: a process that keeps the socket file open (`O_PATH`, open(2)) connects to the
    /// socket whatever the name has become, as often as it likes. At most as many clients as the backlog has room for
    /// are left.
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

    /// Closing the socket would drop here, with the clients that wait, what they have sent.
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
            // The owner's code may have stopped us.
            guard source != nil else { return }
            do throws(SystemError) {
                guard let client = try acceptOne() else { return queueIsEmpty(readiness) }
                goneInARow = 0
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
            // Another process that shares the socket has shut it down. It would be readable for ever.
            end(AcceptFailure.listenerWasShutDown)
        }
    }

    private func end(_ error: SystemError) {
        source?.unregister()
        let whenEmpty = whenEmpty
        self.whenEmpty = nil
        owner.listenerDidFail(error, isLast: whenEmpty == nil)
        whenEmpty?()
    }

    private func shed(_ error: SystemError) {
        guard reserve.isHeld else { return cannotAccept(error) }
        reserve.release()
        let count = hangUpOnSome()
        // Another thread may have been quicker. Then those who come wait, until there is a descriptor for them.
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
            // Whatever it is, the next turn meets it again.
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

    /// So many clients were accepted and hung up on, because there is no descriptor for them.
    func listenerDidShed(_ count: Int, _ error: SystemError)

    /// Nobody can be accepted; those who wait go on waiting for a while.
    func listenerCannotAccept(_ error: SystemError)

    /// Nobody can be accepted any more.
    ///
    /// - Parameter isLast: whether the server has no other listener, and is to stop this one.
    func listenerDidFail(_ error: SystemError, isLast: Bool)
}
