// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A thread of the system (pthreads(7)). All threads are started here.
package struct SystemThread: Sendable {
    /// The signals that are delivered to the new thread.
    package enum Signals: Sendable {
        /// The same as to its creator.
        case inherited
        /// None: signal handlers are the embedder's, and expect to run on the embedder's threads.
        case blocked
    }

    /// Its ID (pthread_self(3)), a `pthread_t`. Reused after ``join()``, or after the end of a detached thread.
    package let number: UInt

    /// The error of ``start(named:signals:_:)`` if no thread can be made.
    static let noThread = SystemError(call: "pthread_create", code: EAGAIN)

    /// Starts a thread (`pthread_create(3)`). Call ``join()`` or ``detach()`` afterwards.
    ///
    /// - Parameters:
    ///   - name: shown by debuggers and `top -H`; at most 15 bytes of it (proc(5), `comm`).
    ///   - signals: which signals it takes.
    ///   - body: called once on the new thread; released when it returns. Not called if there is no thread.
    /// - Throws: ``SystemError``, `EAGAIN` at the limit of threads or of memory.
    package static func start(
        named name: String, signals: Signals, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> SystemThread {
        let argument = unsafe Unmanaged.passRetained(Start(name, body))
        var thread = pthread_t()
        let code = withSignals(signals) {
            unsafe pthread_create(
                &thread, nil,
                { argument in
                    let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                    SystemThread.nameCurrent(start.name)
                    start.body()
                    return nil
                }, argument.toOpaque())
        }
        guard code == 0 else {
            unsafe argument.release()
            throw SystemError(call: "pthread_create", code: code)
        }
        return SystemThread(number: thread)
    }

    /// Starts a detached thread that takes no signals.
    package static func startDetached(
        named name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        try start(named: name, signals: .blocked, body).detach()
    }

    /// Waits until it has ended. Once, and not after ``detach()``.
    func join() { pthread_join(number, nil) }

    /// Does not wait for it: the system frees its memory when it ends.
    package func detach() { pthread_detach(number) }

    /// The ID of the calling thread; the ID of a thread that has ended is reused.
    static var currentNumber: UInt { UInt(pthread_self()) }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// A thread begins with its creator's signal mask.
    private static func withSignals(_ signals: Signals, _ create: () -> Int32) -> Int32 {
        guard signals == .blocked else { return create() }
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return create()
    }

    /// Through procfs, because Swift's Glibc has no `pthread_setname_np`. A thread works without a name as well.
    private static func nameCurrent(_ name: String) {
        do {
            let number = try systemCall("open") { unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC) }
            let file = OwnedDescriptor(taking: number)
            let bytes = Array(name.utf8.prefix(15))
            _ = try systemCall("write") { unsafe write(file.rawValue, bytes, bytes.count) }
        } catch {}
    }
}
