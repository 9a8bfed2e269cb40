// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// What a stream's handler is told of. For a socket that is what epoll watches; a transport looks at what its handler
// awaits (``ByteStreamHandler``) and only has to be told that this has changed.

extension ByteStream {
    /// Tells of input, for as long as there is some.
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

    /// Tells of room to write, as long as there is some and until ``unwatchOutput()``.
    ///
    /// - Parameter isBehindEnd: the end of the input was read, and ``awaitHangUp(_:_:)`` tells of changes only. Then it
    ///   looks again, in case there is room already.
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

    /// Tells, once, that the peer has gone altogether, and of each change of the room to write.
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

    /// The sources of a socket, which has room for both from now on; nil for anything else.
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
