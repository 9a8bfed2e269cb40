// SPDX-License-Identifier: Apache-2.0
internal import Glibc

enum CurrentThread {
    /// Sleeps for a millisecond (`poll(2)` without descriptors), or until a signal: for a start that waits for another
    /// process.
    static func sleepForMillisecond() { _ = poll(nil, 0, 1) }
}
