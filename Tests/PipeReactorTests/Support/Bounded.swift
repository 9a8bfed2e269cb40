// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Testing

/// The longest wait of these tests. Only a failing test reaches it.
let patience = Duration.seconds(30)

extension Reactor {
    /// Runs until the condition holds; a test that would wait for ever fails instead.
    func runBounded(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        if !run(timeout: patience, until: condition) {
            Issue.record("waited in vain", sourceLocation: sourceLocation)
        }
    }

    /// ``Reactor/run()``, with a limit: a test that never stops the reactor fails instead of hanging.
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

    /// Keeps work waiting as long as the condition holds, so that no turn waits for events.
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

/// Asks until the condition holds, for a condition that another thread or the kernel brings about.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = SuspendingClock.now + patience
    while SuspendingClock.now < end {
        if condition() { return true }
        yieldThread()
    }
    return condition()
}

/// Holds the loop, like a long callback.
func holdLoop(for time: Duration) {
    let end = SuspendingClock.now + time
    while SuspendingClock.now < end {}
}

/// An object that closures capture, to see when they are released.
final class Captive {
    private let onEnd: () -> Void
    init(onEnd: @escaping () -> Void = {}) { self.onEnd = onEnd }
    func touch() {}
    deinit { onEnd() }
}
