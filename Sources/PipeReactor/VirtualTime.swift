// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The present time of a reactor whose time a test moves. Moved on the reactor's thread, read on any.
package final class VirtualTime: Sendable {
    private let present = Mutex(SuspendingClock.now)

    package init() {}

    /// The present time of the timers.
    package internal(set) var now: SuspendingClock.Instant {
        get { present.withLock { $0 } }
        set { present.withLock { $0 = newValue } }
    }
}
