// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Looks after a published name while its server lives: at once when the kernel tells of a change, on a timer for what
/// it does not tell. Carries out what ``NameStateMachine`` decides, and tells the server.
final class NameMonitor {
    /// The report to the server.
    enum Event {
        case didLoseName(NameLoss)
        /// It is lost still; sent at each look.
        case isStillLost
        case didRegainName
    }

    private let reactor: Reactor
    private let name: PublishedName
    private let watcher: FileWatcher?
    private let tell: (Event) -> Void
    private var stateMachine = NameStateMachine()
    private var watches: [FileWatch] = []
    private var timer: ScheduledWork?
    private var isEnded = false

    /// How often to look on a timer where nothing can be watched, so that a successor need not wait longer than it has
    /// patience.
    private static let blindInterval = Duration.seconds(1)
    /// While a candidate has the lock: it may die, and nothing tells of that.
    private static let givenUpInterval = Duration.milliseconds(100)

    /// - Parameters:
    ///   - watcher: nil to look on a timer alone.
    ///   - tell: called from the loop, outside of the delegate's callbacks.
    init(_ reactor: Reactor, _ name: PublishedName, _ watcher: FileWatcher?, tell: @escaping (Event) -> Void) {
        self.reactor = reactor
        self.name = name
        self.watcher = watcher
        self.tell = tell
        watch()
        // What happened before the watch began: a look in the first turn.
        lookAgain(after: .zero)
    }

    private func watch() {
        guard let watcher else { return }
        do {
            watches = try name.watch(with: watcher) { [weak self] in self?.look() }
        } catch {
            // Not possible for a file that may not be read, or above a limit: then on a timer, too.
            watches = []
        }
    }

    /// Stops looking.
    func end() {
        isEnded = true
        timer?.cancel()
        watches = []
    }

    private var isGivenUp: Bool { stateMachine.state == .givenUp || stateMachine.state == .lostAndGivenUp }

    private func lookAgain(after delay: Duration? = nil) {
        timer?.cancel()
        guard !isEnded, stateMachine.state != .takenOver else { return }
        // The watcher has a timer of its own.
        guard delay != nil || isGivenUp || watches.isEmpty else { return }
        let interval = isGivenUp ? Self.givenUpInterval : Self.blindInterval
        timer = reactor.schedule(after: delay ?? interval) { [weak self] in self?.look() }
    }

    private func look() {
        guard !isEnded, let look = name.look else { return }
        if look.isReachable { name.refresh() }
        carryOut(stateMachine.step(after: look), look)
        lookAgain()
    }

    private func carryOut(_ step: NameStateMachine.Step, _ look: NameStateMachine.Look) {
        switch step {
        case .nothing: break
        case .giveLockUp: name.giveLockUp()
        case .takeLockBack: carryOut(stateMachine.step(afterTakingLockBack: name.takeLockBack(), look), look)
        case .putLockBack: if name.putLockBack() { watch() }
        case .reportLoss(let loss): tell(.didLoseName(loss))
        case .republish: tell(.isStillLost)
        case .reportReturn: tell(.didRegainName)
        case .leave: tell(.didLoseName(.takenOver(processID: name.holder)))
        }
    }
}
