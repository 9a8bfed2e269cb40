// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeReactor
import Synchronization
import Testing

/// Runs the body with a signal handler that only counts and that interrupts system calls; then restores the former
/// handler. The signal is `SIGURG`, which is ignored by default, so one that comes late does no harm.
func withHarmlessSignal(_ body: (Int32) throws -> Void) rethrows {
    try signalLock.withLock { _ in
        var action = sigaction()
        var before = sigaction()
        interruptionCount.store(0, ordering: .relaxed)
        unsafe action.__sigaction_handler.sa_handler = { _ in
            interruptionCount.add(1, ordering: .relaxed)
        }
        unsafe sigaction(SIGURG, &action, &before)
        defer { unsafe sigaction(SIGURG, &before, nil) }
        try body(SIGURG)
    }
}

private let signalLock = Mutex(())

/// How often the signal came. Reset before the handler is set, so that no handler is the first to touch it.
let interruptionCount = Atomic(0)

/// The reactor's work during the storm: a thousand bytes one by one, a hundred timers, a thousand posts from outside.
final class Share: Sendable {
    let executor = Mutex<ReactorExecutor?>(nil)

    func run(_ log: Log, _ mail: Counter) throws {
        let reactor = try Reactor()
        let pair = Pair.sockets()
        let (near, far) = (pair.near.rawValue, pair.far.rawValue)
        var bytes = 0
        let source = ClosureSource(reactor, borrowing: near, .readable) { _ in
            bytes += take(near)
            if bytes < 1000 { put(far) }
        }
        try source.register()
        put(far)
        var timers = 0
        var early = 0
        for index in 0..<100 {
            let delay = Duration.microseconds(index * 300)
            let start = SuspendingClock.now
            reactor.schedule(after: delay) {
                timers += 1
                if SuspendingClock.now - start < delay { early += 1 }
            }
        }
        executor.withLock { $0 = reactor.executor }
        // libevent continues an interrupted wait itself, so something has to end turns, or the condition is never
        // asked.
        let tick = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
        var interruptions: Int { interruptionCount.load(ordering: .relaxed) }
        reactor.runBounded { bytes == 1000 && timers == 100 && mail.value == 1000 && interruptions >= 1000 }
        if interruptions >= 1000 { log.add("interrupted 1000 times") }
        tick.cancel()
        source.cancel()
        _ = consume pair
        log.add("\(bytes) of 1000 bytes")
        log.add("\(timers) of 100 timers, \(early) early")
        log.add("\(mail.value) of 1000 posts")
    }
}
