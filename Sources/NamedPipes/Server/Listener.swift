// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A published name and its listening socket: accepts a bounded number of clients a turn.
///
/// Where the process or the system has no room, the socket stays readable, and a loop that asked again at once would never
/// end. So the listener rests for a moment. Out of descriptors, it first gives up the one it keeps in reserve, in order to
/// accept those who wait and hang up on them: they learn at once, instead of waiting for what may never come.
final class Listener: EventHandler {
    private let reactor: Reactor
    private let name: PublishedName
    private let descriptor: Int32
    private let acceptsPerTurn: Int
    private let acceptsDescriptors: Bool
    private unowned let owner: any ListenerOwner
    private var source: EventSource?
    private var pause: ScheduledWork?
    private var reserve = ReserveDescriptor()

    /// How long to rest: short enough to be back 50 ms after room was made, long enough to cost nothing.
    static let restTime = Duration.milliseconds(36)

    /// How many are hung up on before each rest, and how long that may take: together with what else a rest costs, at most
    /// 1 % of a processor, if clients come without end.
    static let shedLimit = 256
    static let shedTime = Duration.microseconds(50)

    /// - Parameter owner: outlives the listener.
    init(
        _ reactor: Reactor, _ name: PublishedName, acceptsPerTurn: Int, acceptsDescriptors: Bool,
        owner: any ListenerOwner
    ) throws(SystemError) {
        self.reactor = reactor
        self.name = name
        self.acceptsPerTurn = max(1, acceptsPerTurn)
        self.acceptsDescriptors = acceptsDescriptors
        self.owner = owner
        guard let descriptor = name.listener else { preconditionFailure("a published name listens") }
        self.descriptor = descriptor
        // Borrowed: the name closes its socket itself, after the name is gone.
        source = EventSource(reactor, borrowing: descriptor, .readable, handler: self)
        try source?.register()
        // Without one, nobody is hung up on, and it is tried again at the first need.
        try? reserve.acquire()
    }

    /// Gives the name up, if it still has one, and keeps the socket with whoever waits there.
    func giveNameUp() { name.removeName() }

    /// Accepts all who wait now, however many they are: nobody new can come any more.
    func acceptEverybodyWaiting() { accept(atMost: .max) }

    /// Gives the name up, then closes the socket. Clients that were not accepted yet read ECONNRESET and may try again.
    func stop() {
        source = nil
        pause?.cancel()
        reserve.release()
        name.removeName()
        if acceptsDescriptors, !name.isInherited { emptyQueue() }
        name.close()
    }

    /// Closing the socket would drop here, with the clients that wait, what they have sent.
    private func emptyQueue() {
        Socket.stopConnects(descriptor)
        while let _ = try? acceptOne() {}
    }

    private func acceptOne() throws(SystemError) -> OwnedDescriptor? {
        try Socket.accept(descriptor, mayHoldDescriptors: acceptsDescriptors)
    }

    package static var callbackName: StaticString { "accepting" }

    package func handle(_ readiness: Readiness) { accept(atMost: acceptsPerTurn) }

    private func accept(atMost limit: Int) {
        for _ in 0..<limit {
            // The owner's code may have stopped us.
            guard source != nil else { return }
            do throws(SystemError) {
                guard let client = try acceptOne() else { return }
                owner.listenerDidAccept(client)
            } catch {
                switch AcceptFailure(error) {
                case .clientIsGone: continue
                case .noDescriptor: return shed(error)
                case .noRoom: return cannotAccept(error)
                }
            }
        }
    }

    private func shed(_ error: SystemError) {
        guard reserve.isHeld else { return cannotAccept(error) }
        reserve.release()
        let end = SuspendingClock.now + Self.shedTime
        var count = 0
        while count < Self.shedLimit, count == 0 || .now < end, (try? acceptOne()) != nil { count += 1 }
        // Another thread may have been quicker. Then those who come wait, until there is a descriptor for them.
        try? reserve.acquire()
        guard count > 0 else { return cannotAccept(error) }
        rest()
        owner.listenerDidShed(count, error)
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

/// Who hears from a listener. Each of the calls may stop it.
protocol ListenerOwner: AnyObject {
    func listenerDidAccept(_ client: consuming OwnedDescriptor)

    /// So many clients were accepted and hung up on, because there is no descriptor for them.
    func listenerDidShed(_ count: Int, _ error: SystemError)

    /// Nobody can be accepted; those who wait go on waiting for a while.
    func listenerCannotAccept(_ error: SystemError)
}
