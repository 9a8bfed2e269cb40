// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The program at the other end of a connection, from its start until it was collected. Its connection reports its end
/// only after that: so the reason has the exit status, a client never starts a second program beside the first, and no
/// zombie remains.
final class ConnectedChild {
    let processID: Int32
    private let reactor: Reactor
    private var ending: ChildEnding
    private var descriptor: EventSource?
    private var timer: TimeLimit?
    private var isAbandoned = false

    /// The connection; it owns this object.
    weak var connection: PipeConnection?

    init(
        _ processID: Int32, _ process: consuming OwnedDescriptor, _ command: PipeCommand, _ reactor: Reactor
    ) throws(SystemError) {
        self.processID = processID
        self.reactor = reactor
        ending = ChildEnding(command)
        descriptor = EventSource(reactor, owning: process, .readable, handler: self)
        try descriptor?.register()
    }

    /// The process, as our user: the kernel gave us its ID when it started.
    var peer: PeerCredentials {
        PeerCredentials(
            userID: CurrentProcess.effectiveUserNumber, groupID: CurrentProcess.effectiveGroupNumber,
            processID: processID)
    }

    /// How the process ended; nil while it runs.
    var exit: ChildExit? { ending.exit }

    /// Whether the connection may report its end.
    var letsReport: Bool { exit != nil || isAbandoned }

    /// The descriptors of the connection are closed. May be called again.
    func connectionHasEnded() { perform(ending.connectionDidEnd()) }

    /// The loop has stopped: a helper thread ends the process and collects it.
    func abandon() {
        guard !letsReport else { return }
        isAbandoned = true
        timer?.cancel()
        descriptor = nil
        ChildDisposal.end(processID, ending)
    }

    private func perform(_ step: ChildEnding.Step) {
        switch step {
        case .nothing: break
        case .wait(let time): wait(time)
        case .terminate(let time):
            SpawnCalls.terminate(processID)
            wait(time)
        case .kill: SpawnCalls.kill(processID)
        }
    }

    private func wait(_ time: Duration) {
        timer = reactor.limit(time) { [unowned self] in perform(ending.timeDidPass()) }
    }

    deinit {
        timer?.cancel()
        abandon()
    }
}

extension ConnectedChild: EventHandler {
    static var callbackName: StaticString { "child process" }

    func handle(_ readiness: Readiness) {
        guard let exit = SpawnCalls.collect(processID) else { return }
        ending.processDidEnd(exit)
        timer?.cancel()
        descriptor = nil
        connection?.programDidEnd()
    }
}

extension PipeConnection {
    /// The program at the other end was collected: what it has sent is delivered, then the connection ends and reports.
    fileprivate func programDidEnd() {
        if lifecycle.state == .closed { schedule() } else { shutDown() }
    }

    /// Whether the end may be reported now. If not, a program is being ended first.
    var mayReport: Bool {
        guard let child = rareIfAny?.child else { return true }
        if child.letsReport { return true }
        child.connectionHasEnded()
        return false
    }
}
