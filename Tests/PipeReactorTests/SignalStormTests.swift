// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Synchronization
import Testing

/// HOSTILE 57: a storm of signals, to the reactor's own thread, while it does everything that it can.
@Suite struct `Signals` {
    @Test func `57 by the ten thousand lose no event, no timer and no posted work`() throws {
        withHarmlessSignal { signal in
            let log = Log()
            let mail = Counter()
            let share = Share()
            let running = Worker {
                do { try share.run(log, mail) } catch { log.add("\(error)") }
            }
            #expect(eventually { share.executor.withLock { $0 } != nil || running.isFinished })
            let executor = share.executor.withLock { $0 }
            for round in 0..<20_000 where !running.isFinished {
                running.interrupt(with: signal)
                if round.isMultiple(of: 20) { executor?.post { _ in mail.count() } }
            }
            let isDone = eventually {
                running.interrupt(with: signal)
                return running.isFinished
            }
            #expect(isDone)
            running.finish()
            let interruptions = interruptionCount.load(ordering: .relaxed)
            #expect(interruptions > 1000)
            #expect(log.entries == ["1000 of 1000 bytes", "100 of 100 timers, 0 early", "1000 of 1000 posts"])
        }
    }
}
