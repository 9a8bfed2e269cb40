// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import NamedPipes
internal import PipeReactor

/// SIGINT, SIGTERM and SIGHUP as events: the library leaves signals to programs, and programs do it so.
///
/// ``Inheritance/takeOver(waitingForStopSignals:)`` has blocked them before there was a second thread, and thus in all
/// threads. One thread does nothing but wait for them.
public enum StopSignals {
    /// Waits for them from now on, for as long as the process lives. To be called once.
    ///
    /// - Parameter handler: called on a thread of its own, with each signal's number and how many there were with it.
    ///   Two of a kind that come at once are one.
    /// - Throws: what stands against starting a thread.
    public static func wait(
        handler: @escaping @Sendable (_ number: Int32, _ count: Int) -> Void
    ) throws(SystemError) {
        let signals = Inheritance.atStart.stopSignals
        guard !signals.isEmpty else { return }
        // It takes none of them by a handler: they are blocked in all threads, and sigwait(3) takes them from there.
        try SystemThread.startDetached(named: "stop signals") { waitForEver(signals, handler) }
    }

    /// Ends the process by a signal, as if it had never been waited for: its parent sees that it was ended by it.
    public static func die(by number: Int32) -> Never {
        signal(number, SIG_DFL)
        var set = SignalSet([number]).value
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(number)
        exit(128 + number)
    }

    private static func waitForEver(_ signals: SignalSet, _ handler: @Sendable (Int32, Int) -> Void) -> Never {
        var set = signals.value
        var number: Int32 = 0
        var count = 0
        while true {
            guard unsafe sigwait(&set, &number) == 0 else { continue }
            count += 1
            handler(number, count)
        }
    }
}
