// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Synchronization
import Testing

/// HOSTILE 57: a storm of signals at the reactor's own thread, while it does everything that it can do.
@Suite struct `Signals` {
    @Test func `57 by the thousand lose no event, no timer and no posted work`() throws {
        withHarmlessSignal { signal in
            let log = Log()
            let mail = Counter()
            let share = Share()
            let running = Worker {
                do { try share.run(log, mail) } catch { log.add("\(error)") }
            }
            #expect(eventually { share.executor.withLock { $0 } != nil || running.isFinished })
            let executor = share.executor.withLock { $0 }
            var posts = 0
            let end = SuspendingClock.now + patience
            while !running.isFinished && SuspendingClock.now < end {
                running.interrupt(with: signal)
                if posts < 1000, executor?.post({ _ in mail.count() }) == true { posts += 1 }
            }
            running.finish()
            #expect(
                log.entries == [
                    "interrupted 1000 times", "1000 of 1000 bytes", "100 of 100 timers, 0 early", "1000 of 1000 posts",
                ])
        }
    }
}
