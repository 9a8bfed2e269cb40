// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import PipeReactor
internal import Synchronization

/// Threads for tasks that have to run elsewhere than on a reactor.
///
/// The global executor has as many threads as there are CPUs, and each test that runs a loop occupies one meanwhile.
/// Beside such tests, a hop to the global executor can take seconds.
package final class OtherThreads: TaskExecutor {
    package static let shared = OtherThreads(count: 4)

    /// For tests that ask again and again, each time on a connection with a thread of its own: they would keep those of
    /// ``shared`` from all others.
    package static let asking = OtherThreads(count: 4)

    private let jobs = Mutex<[UnownedJob]>([])
    private let jobCount = DispatchSemaphore(value: 0)

    private init(count: Int) {
        for _ in 0..<count {
            do { try SystemThread.startDetached(named: "elsewhere") { [self] in work() } } catch {
                preconditionFailure("no thread can be started")
            }
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        jobCount.signal()
    }

    private func work() {
        while true {
            jobCount.wait()
            let job = jobs.withLock { $0.removeFirst() }
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
