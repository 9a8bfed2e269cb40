// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The readiness that a stream dispatches to its handler. epoll watches descriptors. A transport asks its handler which
// readiness it awaits (``ByteStreamHandler``), and is told when the answer may have changed.

extension ByteStream {
    /// Reports input, level-triggered.
    func watchInput() throws(SystemError) {
        switch carrier {
        case .socket(let source): try source.register()
        case .bothWays(let sources): try sources.input.register()
        case .pair(let pair): try pair.watchInput()
        case .transport(let box): box.transport.interestDidChange()
        default: break
        }
    }

    func unwatchInput() {
        switch carrier {
        case .socket(let source): source.unregister()
        case .bothWays(let sources): sources.input.unregister()
        case .pair(let pair): pair.unwatchInput()
        default: break
        }
    }

    /// Reports room to write, level-triggered, until ``unwatchOutput()``.
    ///
    /// - Parameter isBehindEnd: whether the end of the input was read. In that case, ``awaitHangUp(_:_:)`` may already
    ///   watch the output edge-triggered, so the source is registered again, which reports room that is there already.
    mutating func awaitRoom(isBehindEnd: Bool, _ handler: any ByteStreamHandler, _ reactor: Reactor) throws(SystemError)
    {
        if let pair { return try pair.awaitRoom() }
        guard let sources = sources() else { return transport?.interestDidChange() ?? () }
        if sources.output == nil {
            sources.output = EventSource(reactor, borrowing: descriptor, .writable, handler: handler)
        } else if isBehindEnd {
            sources.output?.unregister()
        } else {
            return
        }
        try sources.output?.register()
    }

    /// Reports, edge-triggered, that the peer is gone, once, and each change of the room to write.
    mutating func awaitHangUp(_ handler: any ByteStreamHandler, _ reactor: Reactor) throws(SystemError) {
        if let pair { return try pair.awaitHangUp() }
        guard let sources = sources() else { return transport?.interestDidChange() ?? () }
        sources.output = EventSource(reactor, borrowing: descriptor, .edgeWritable, handler: handler)
        try sources.output?.register()
    }

    /// A source of its own that reports, edge-triggered, each time the peer has read something; nil for a transport.
    ///
    /// epoll watches a duplicate of the socket (dup(2)), because it cannot watch the same descriptor level-triggered
    /// and edge-triggered.
    func edges(_ handler: any EventHandler, _ reactor: Reactor) throws(SystemError) -> EventSource? {
        guard descriptor >= 0 else { return nil }
        let source = EventSource(reactor, owning: try Socket.duplicate(descriptor), .edgeWritable, handler: handler)
        try source.register()
        return source
    }

    func unwatchOutput() {
        switch carrier {
        case .bothWays(let sources): sources.output = nil
        case .pair(let pair): pair.unwatchOutput()
        default: break
        }
    }

    var pair: DescriptorPair? {
        switch carrier {
        case .pair(let pair): pair
        default: nil
        }
    }

    var transport: (any PipeTransport)? {
        switch carrier {
        case .transport(let box): box.transport
        default: nil
        }
    }

    /// The event sources of a socket, which has a place for both directions from now on; nil for other kinds.
    private mutating func sources() -> SocketSources? {
        switch carrier {
        case .bothWays(let sources): return sources
        case .socket: break
        default: return nil
        }
        switch exchange(&carrier, with: .closed) {
        case .socket(let input):
            let sources = SocketSources(input)
            carrier = .bothWays(sources)
            return sources
        default: return nil
        }
    }
}
