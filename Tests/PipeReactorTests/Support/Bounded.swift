// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Testing

/// The longest that anything here is waited for. Only a failing test gets there.
let patience = Duration.seconds(30)

extension Reactor {
    /// Runs until the condition holds; a test that waits in vain fails rather than hangs.
    func runBounded(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        if !run(timeout: patience, until: condition) {
            Issue.record("waited in vain", sourceLocation: sourceLocation)
        }
    }

    /// ``Reactor/run()``, which a test that is never stopped fails rather than hangs in.
    func runToStop(sourceLocation: SourceLocation = #_sourceLocation) {
        let guardian = schedule(after: patience) { [unowned self] in
            Issue.record("never stopped", sourceLocation: sourceLocation)
            stop()
        }
        run()
        guardian.cancel()
    }

    /// Runs this many turns of the loop that do not wait.
    func runTurns(_ count: Int) {
        var turns = 0
        keepAwake { turns < count }
        runBounded {
            defer { turns += 1 }; return turns >= count
        }
    }

    /// Work is waiting as long as the condition holds: no turn waits for events.
    private func keepAwake(while condition: @escaping () -> Bool) {
        final class Restless: TurnWork {
            unowned let reactor: Reactor
            let condition: () -> Bool
            init(_ reactor: Reactor, _ condition: @escaping () -> Bool) {
                self.reactor = reactor
                self.condition = condition
            }
            func runInTurn() { if condition() { reactor.runAtEndOfTurn(self) } }
        }
        runAtEndOfTurn(Restless(self, condition))
    }
}

/// Asks until the condition holds; for what another thread or the kernel does by itself.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = SuspendingClock.now + patience
    while SuspendingClock.now < end {
        if condition() { return true }
        yieldThread()
    }
    return condition()
}

/// Holds the loop, as a long callback does.
func holdLoop(for time: Duration) {
    let end = SuspendingClock.now + time
    while SuspendingClock.now < end {}
}

/// Something that functions capture, to see when they are let go.
final class Captive {
    private let onEnd: () -> Void
    init(onEnd: @escaping () -> Void = {}) { self.onEnd = onEnd }
    func touch() {}
    deinit { onEnd() }
}
