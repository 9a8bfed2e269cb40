// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Watches a published name while its server lives: it checks the name at once when the kernel reports a change, and on
/// a timer for everything else. Carries out the decisions of ``NameStateMachine``, and tells the server.
final class NameMonitor {
    /// The report to the server.
    enum Event {
        case didLoseName(NameLoss)
        /// The name is still lost; sent at each check.
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

    /// The interval of the checks if nothing can be watched, short enough for a successor's patience.
    private static let blindInterval = Duration.seconds(1)
    /// The interval while a candidate has the lock: it may die, and no event reports that.
    private static let givenUpInterval = Duration.milliseconds(100)

    /// - Parameters:
    ///   - watcher: nil to check on a timer alone.
    ///   - tell: called from the loop, outside the delegate's callbacks.
    init(_ reactor: Reactor, _ name: PublishedName, _ watcher: FileWatcher?, tell: @escaping (Event) -> Void) {
        self.reactor = reactor
        self.name = name
        self.watcher = watcher
        self.tell = tell
        watch()
        // Checks in the first turn, for changes that happened before the watch began.
        lookAgain(after: .zero)
    }

    private func watch() {
        guard let watcher else { return }
        do {
            watches = try name.watch(with: watcher) { [weak self] in self?.look() }
        } catch {
            // Not possible for a file that may not be read, or above a limit: then the monitor relies on a timer.
            watches = []
        }
    }

    /// Stops checking.
    func end() {
        isEnded = true
        timer?.cancel()
        watches = []
    }

    private var isGivenUp: Bool { stateMachine.state == .givenUp || stateMachine.state == .lostAndGivenUp }

    private func lookAgain(after delay: Duration? = nil) {
        timer?.cancel()
        guard !isEnded, stateMachine.state != .takenOver else { return }
        // The watcher has its own timer.
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
