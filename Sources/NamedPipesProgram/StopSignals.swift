// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
package import NamedPipes
internal import PipeReactor

/// SIGINT, SIGTERM and SIGHUP as events, without a moment in which one could be lost.
///
/// ``Inheritance/takeOver()`` has blocked them before there was a second thread, and thus in all threads. One thread
/// does nothing but wait for them (sigwait(3)). If `main` is `async`, however, Dispatch unblocks all signals in the
/// main thread as soon as that has nothing to do. A handler passes those that come there on to the waiting thread.
package enum StopSignals {
    /// Waits for them from now on, for as long as the process lives. Call it once.
    ///
    /// - Parameter handler: called on a separate thread, with each signal's number and the number of signals that came
    ///   with it, as ``StopSignalCount`` counts them: those that belong to an earlier one are left out.
    /// - Throws: the error if the thread cannot be started.
    package static func wait(
        handler: @escaping @Sendable (_ number: Int32, _ count: Int) -> Void
    ) throws(SystemError) {
        let signals = Inheritance.atStart.stopSignals
        guard !signals.isEmpty else { return }
        let thread = try SystemThread.start(named: "stop signals", signals: .blocked) { waitForEver(signals, handler) }
        var set = signals.value
        unsafe program_pass_signals(&set, thread.number)
        thread.detach()
    }

    /// Lets them end the process while a function runs that may block, as opening a FIFO may: for the main thread,
    /// before ``wait(handler:)``, as long as there is nothing to tidy up.
    package static func endProcess<Value, Failure>(
        during body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var (set, before) = (Inheritance.atStart.stopSignals.value, sigset_t())
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return try body()
    }

    /// Whether other code has taken one of them over since ``wait(handler:)``, as Dispatch does for a service group.
    static var areTakenByOthers: Bool {
        var set = Inheritance.atStart.stopSignals.value
        return unsafe program_signals_are_taken(&set) != 0
    }

    /// Ends the process by a signal, as if it had never been waited for, so that its parent sees that the signal ended
    /// it.
    package static func die(by number: Int32) -> Never {
        signal(number, SIG_DFL)
        var set = SignalSet([number]).value
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(number)
        exit(128 + number)
    }

    private static func waitForEver(_ signals: SignalSet, _ handler: @Sendable (Int32, Int) -> Void) -> Never {
        var set = signals.value
        var number: Int32 = 0
        var count = StopSignalCount()
        let start = ContinuousClock.now
        while true {
            guard unsafe sigwait(&set, &number) == 0, let count = count.next(at: .now - start) else { continue }
            handler(number, count)
        }
    }
}
