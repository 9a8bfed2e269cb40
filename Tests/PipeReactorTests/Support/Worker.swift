// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeReactor
import Synchronization
import Testing

/// A thread that belongs to a test. A test waits for its end, with a limit.
final class Worker: Sendable {
    private let body: Mutex<(() -> Void)?>
    private let hasStarted = Atomic(false)
    private let hasFinished = Atomic(false)
    private let state = Mutex<(thread: pthread_t?, directory: String)>((nil, ""))

    init(_ body: sending @escaping () -> Void) {
        self.body = Mutex(body)
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<Worker>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue().main()
                return nil
            }, argument.toOpaque())
        precondition(code == 0, "no thread")
        let started = thread
        state.withLock { $0.thread = started }
    }

    private func main() {
        acceptSignals()
        let directory = currentThreadDirectory()
        state.withLock { $0.directory = directory }
        hasStarted.store(true, ordering: .sequentiallyConsistent)
        body.withLock { $0.take() }?()
        hasFinished.store(true, ordering: .sequentiallyConsistent)
    }

    var isFinished: Bool { hasFinished.load(ordering: .sequentiallyConsistent) }

    /// Whether the thread waits in the kernel (proc(5), `stat`).
    var isAsleep: Bool {
        guard hasStarted.load(ordering: .sequentiallyConsistent) else { return false }
        let directory = state.withLock(\.directory)
        return (contents(of: directory + "/stat") ?? "").contains(") S ")
    }

    /// Sends the thread a signal, unless it has ended.
    func interrupt(with signal: Int32) {
        state.withLock { state in
            if let thread = state.thread, !isFinished { pthread_kill(thread, signal) }
        }
    }

    /// Waits for the thread's end.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        guard eventually({ isFinished }) else {
            Issue.record("the thread does not end", sourceLocation: sourceLocation)
            return
        }
        if let thread = state.withLock({ $0.thread.take() }) { pthread_join(thread, nil) }
    }
}

/// A thread inherits the signal mask of its creator, and the threads of swift-testing's tasks block all signals.
private func acceptSignals() {
    var all = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_UNBLOCK, &all, nil)
}

func yieldThread() { sched_yield() }

/// Where proc(5) shows the calling thread.
func currentThreadDirectory() -> String {
    let target = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
        let count = unsafe readlink("/proc/thread-self", buffer.baseAddress.unsafelyUnwrapped, 255)
        return unsafe String(decoding: buffer[0..<max(count, 0)], as: UTF8.self)
    }
    return "/proc/" + target
}

/// The first bytes of a small file; nil if there is none.
func contents(of path: String) -> String? {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return nil }
    let file = OwnedDescriptor(taking: number)
    return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
        let count = unsafe read(file.rawValue, buffer.baseAddress, 1024)
        return count < 0 ? nil : unsafe String(decoding: buffer[0..<count], as: UTF8.self)
    }
}

func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

/// The number of the calling thread, unique while it lives.
var threadNumber: UInt { UInt(pthread_self()) }
