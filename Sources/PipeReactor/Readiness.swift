// SPDX-License-Identifier: Apache-2.0

/// What epoll said about a descriptor, in one callback. More than one can hold. Inlinable, because every event makes one
/// and looks at it in another module.
@frozen
package struct Readiness: OptionSet {
    package let rawValue: Int16

    @inlinable package init(rawValue: Int16) { self.rawValue = rawValue }

    /// Whether one of the others holds. The standard `contains` goes through four generic calls from another module.
    @inlinable package func has(_ other: Readiness) -> Bool { rawValue & other.rawValue != 0 }

    /// `EPOLLIN`: bytes, a connection to accept, or an end to be read.
    @inlinable package static var readable: Readiness { Readiness(rawValue: 1) }
    /// `EPOLLOUT`: at most a quarter of the send buffer is in flight (unix(7) sockets), or the peer is gone.
    @inlinable package static var writable: Readiness { Readiness(rawValue: 2) }
    /// `EPOLLRDHUP`: the peer will send no more. What it sent before is still there to be read.
    @inlinable package static var peerFinished: Readiness { Readiness(rawValue: 4) }
    /// The time given to ``EventSource/arm(after:)`` has passed.
    @inlinable package static var timedOut: Readiness { Readiness(rawValue: 8) }
}

/// What an ``EventSource`` asks epoll for.
package enum Interest {
    /// Readable and peer-finished, edge-triggered: one callback for each change, so that a paused or half-closed
    /// connection does not spin. Level-triggered RDHUP comes about a million times a second.
    case edgeReadable
    /// Writable and peer-finished, edge-triggered: a second source beside an ``edgeReadable`` one of the same
    /// descriptor. Edge and level cannot be mixed on one descriptor.
    case edgeWritable
    /// Readable, as long as it is: listeners, wake-ups, descriptors that belong to the embedder.
    case readable
    /// Writable, as long as it is.
    case writable
    /// Nothing but the timer of ``EventSource/arm(after:)``; needs no descriptor.
    case timer
}
