// SPDX-License-Identifier: Apache-2.0
// For `sigset_t` as well, whose header it includes.
internal import CProgram
internal import Glibc

/// A set of signals, as `sigset_t`.
package struct SignalSet: Sendable {
    var value: sigset_t

    /// - Parameter numbers: the signals' numbers; none for the empty set.
    package init(_ numbers: [Int32] = []) {
        var value = sigset_t()
        unsafe sigemptyset(&value)
        for number in numbers { unsafe sigaddset(&value, number) }
        self.value = value
    }

    /// Makes the calling thread block these signals and no others.
    func block() {
        var set = value
        unsafe pthread_sigmask(SIG_SETMASK, &set, nil)
    }

    /// Whether the signal is one of them.
    package func contains(_ number: Int32) -> Bool {
        var set = value
        return unsafe sigismember(&set, number) == 1
    }

    /// Whether the set is empty.
    package var isEmpty: Bool { !(1...64).contains { contains($0) } }
}
