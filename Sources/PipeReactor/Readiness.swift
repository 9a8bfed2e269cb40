// SPDX-License-Identifier: Apache-2.0

/// The readiness of a descriptor that epoll reports in one callback. More than one flag can be set. The bits are
/// libevent's (`EV_READ` and so on), and everything is inlined, because every event makes one and another module tests
/// it.
@frozen
package struct Readiness: OptionSet {
    package let rawValue: Int16

    @inlinable @inline(__always) package init(rawValue: Int16) { self.rawValue = rawValue }

    /// Whether at least one of the other's flags is set. The standard `contains` goes through four generic calls of
    /// another module.
    @inlinable @inline(__always) package func has(_ other: Readiness) -> Bool { rawValue & other.rawValue != 0 }

    /// `EPOLLIN`: bytes, a connection to accept, or the end of the stream.
    @inlinable @inline(__always) package static var readable: Readiness { Readiness(rawValue: 0x02) }
    /// `EPOLLOUT`: at most a quarter of the send buffer is in flight (unix(7) sockets), or the peer is gone.
    @inlinable @inline(__always) package static var writable: Readiness { Readiness(rawValue: 0x04) }
    /// `EPOLLRDHUP`: the peer will send no more. Everything that it sent before can still be read.
    @inlinable @inline(__always) package static var peerFinished: Readiness { Readiness(rawValue: 0x80) }
    /// The time given to ``EventSource/arm(after:)`` has passed.
    @inlinable @inline(__always) package static var timedOut: Readiness { Readiness(rawValue: 0x01) }
}

/// The events that an ``EventSource`` requests from epoll.
package enum Interest {
    /// Readable or peer-finished, reported for as long as it is. A handler that does not want to read has to
    /// unregister: an end that no handler reads is reported about a million times a second.
    case readable
    /// Writable or peer-finished, reported once for each change. Only for a descriptor whose end of stream has been
    /// read, for which all other events would be reported again and again. Edge and level cannot be mixed on one
    /// descriptor.
    case edgeWritable
    /// Writable, reported for as long as it is.
    case writable
    /// Nothing but the timer of ``EventSource/arm(after:)``; needs no descriptor.
    case timer
}
