// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The readiness that a stream dispatches to its handler. epoll watches a socket. A transport asks its handler what it
// awaits (``ByteStreamHandler``), and only has to hear that the answer has changed.

extension ByteStream {
    /// Reports input, level-triggered.
    func watchInput() throws(SystemError) {
        switch carrier {
        case .socket(let source): try source.register()
        case .bothWays(let sources): try sources.input.register()
        case .transport(let box): box.transport.interestDidChange()
        default: break
        }
    }

    func unwatchInput() {
        switch carrier {
        case .socket(let source): source.unregister()
        case .bothWays(let sources): sources.input.unregister()
        default: break
        }
    }

    /// Reports room to write, level-triggered, until ``unwatchOutput()``.
    ///
    /// - Parameter isBehindEnd: whether the end of the input was read. Then ``awaitHangUp(_:_:)`` may watch the output
    ///   edge-triggered, and it is registered again, in case there is room already.
    mutating func awaitRoom(isBehindEnd: Bool, _ handler: any ByteStreamHandler, _ reactor: Reactor) throws(SystemError)
    {
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

    /// Reports once that the peer is gone, and each change of the room to write: edge-triggered.
    mutating func awaitHangUp(_ handler: any ByteStreamHandler, _ reactor: Reactor) throws(SystemError) {
        guard let sources = sources() else { return transport?.interestDidChange() ?? () }
        sources.output = EventSource(reactor, borrowing: descriptor, .edgeWritable, handler: handler)
        try sources.output?.register()
    }

    func unwatchOutput() {
        switch carrier {
        case .bothWays(let sources): sources.output = nil
        default: break
        }
    }

    var transport: (any PipeTransport)? {
        switch carrier {
        case .transport(let box): box.transport
        default: nil
        }
    }

    /// The sources of a socket, with a place for both directions from now on; nil for other kinds.
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
