// SPDX-License-Identifier: Apache-2.0

/// The readiness of a descriptor that epoll reports in one callback. More than one can hold. The bits are libevent's
/// (`EV_READ` and so on), and all is inlined, because every event makes one and looks at it in another module.
@frozen
package struct Readiness: OptionSet {
    package let rawValue: Int16

    @inlinable @inline(__always) package init(rawValue: Int16) { self.rawValue = rawValue }

    /// Whether one of the others holds. The standard `contains` goes through four generic calls from another module.
    @inlinable @inline(__always) package func has(_ other: Readiness) -> Bool { rawValue & other.rawValue != 0 }

    /// `EPOLLIN`: bytes, a connection to accept, or an end to be read.
    @inlinable @inline(__always) package static var readable: Readiness { Readiness(rawValue: 0x02) }
    /// `EPOLLOUT`: at most a quarter of the send buffer is in flight (unix(7) sockets), or the peer is gone.
    @inlinable @inline(__always) package static var writable: Readiness { Readiness(rawValue: 0x04) }
    /// `EPOLLRDHUP`: the peer will send no more. What it sent before is still there to be read.
    @inlinable @inline(__always) package static var peerFinished: Readiness { Readiness(rawValue: 0x80) }
    /// The time given to ``EventSource/arm(after:)`` has passed.
    @inlinable @inline(__always) package static var timedOut: Readiness { Readiness(rawValue: 0x01) }
}

/// The events that an ``EventSource`` requests from epoll.
package enum Interest {
    /// Readable or peer-finished, as long as it is. A handler that does not want to read has to unregister: an end that
    /// no handler reads is reported about a million times a second.
    case readable
    /// Writable or peer-finished, once for each change: alone on a descriptor whose end of stream has been read, where
    /// everything else would be reported again and again. Edge and level cannot be mixed on one descriptor.
    case edgeWritable
    /// Writable, as long as it is.
    case writable
    /// Nothing but the timer of ``EventSource/arm(after:)``; needs no descriptor.
    case timer
}
