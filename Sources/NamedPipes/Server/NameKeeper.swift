// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Looks after a published name while its server lives: at once when the kernel tells of a change, by the clock for what
/// it does not tell. Carries out what ``NameGuard`` decides, and tells the server.
final class NameKeeper {
    /// What the server hears.
    enum Event {
        case didLoseName(NameLoss)
        /// It is lost still; sent at each look.
        case isStillLost
        case didRegainName
    }

    private let reactor: Reactor
    private let name: PublishedName
    private let tell: (Event) -> Void
    private var nameGuard = NameGuard()
    private var watches: [FileWatch] = []
    private var timer: ScheduledWork?
    private var isEnded = false

    /// How often to look by the clock where nothing can be watched, so that a successor need not wait longer than it has
    /// patience.
    private static let blindInterval = Duration.seconds(1)
    /// While a candidate has the lock: it may die, and nothing tells of that.
    private static let givenUpInterval = Duration.milliseconds(100)

    /// - Parameters:
    ///   - watcher: nil to look by the clock alone.
    ///   - tell: called from the loop, outside of the delegate's callbacks.
    init(_ reactor: Reactor, _ name: PublishedName, _ watcher: FileWatcher?, tell: @escaping (Event) -> Void) {
        self.reactor = reactor
        self.name = name
        self.tell = tell
        if let watcher {
            // Not possible for a file that may not be read, or above a limit: then by the clock, too.
            watches = (try? name.watch(with: watcher) { [weak self] in self?.look() }) ?? []
        }
        // What happened before the watch began: a look in the first turn.
        lookAgain(after: .zero)
    }

    /// Stops looking.
    func end() {
        isEnded = true
        timer?.cancel()
        watches = []
    }

    private func lookAgain(after delay: Duration? = nil) {
        timer?.cancel()
        guard !isEnded, nameGuard.state != .takenOver else { return }
        let isGivenUp = nameGuard.state == .givenUp
        // Who watches is told by the clock as well.
        guard delay != nil || isGivenUp || watches.isEmpty else { return }
        let interval = isGivenUp ? Self.givenUpInterval : Self.blindInterval
        timer = reactor.schedule(after: delay ?? interval) { [weak self] in self?.look() }
    }

    private func look() {
        guard !isEnded, let look = name.look else { return }
        switch nameGuard.step(after: look) {
        case .nothing: break
        case .giveLockUp: name.giveLockUp()
        case .takeLockBack: if name.takeLockBack() { nameGuard.didTakeLockBack() }
        case .reportLoss(let loss): tell(.didLoseName(loss))
        case .republish: tell(.isStillLost)
        case .reportReturn: tell(.didRegainName)
        case .leave: tell(.didLoseName(.takenOver(processID: name.holder)))
        }
        lookAgain()
    }
}
