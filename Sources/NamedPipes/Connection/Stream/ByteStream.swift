// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A connection reads from it and writes to it. Its kind is chosen at init, and only the files of this folder ask for
/// it:
///
/// | Kind | Reads | Writes |
/// |---|---|---|
/// | socket | `recv(2)`, `readv(2)` | `send(2)`, `sendmsg(2)` |
/// | guarded socket: a peer can send descriptors through it, see ``DescriptorRefusal`` | `recvmsg(2)` | the same |
/// | transport: anything else, in tests memory | ``PipeTransport/receive(atMost:)`` | ``PipeTransport/send(_:)`` |
///
/// A socket that needs no guard is *direct*: the fast path calls the kernel with its number and checks nothing. Streams
/// of two descriptors (standard input and output, FIFOs, a child's pipes) and the sessions of a broker will be
/// transports.
struct ByteStream: ~Copyable {
    /// The process that was at the other end when the stream was made.
    let peer: PeerCredentials

    /// The socket; -1 where there is none. Here because four bytes are free behind the peer's three numbers.
    let descriptor: Int32

    // The order of the properties is the layout: 26 bytes, and the connection's own small properties fill the next six.
    var carrier: Carrier
    var passedDescriptors: PassedDescriptors

    /// The owner of the descriptor or transport, and the source of readiness, in nine bytes.
    enum Carrier: ~Copyable {
        /// A socket before ``attach(to:_:)``.
        case unattached(OwnedDescriptor)
        /// A socket of which only the input has been watched, which is nearly every one.
        case socket(EventSource)
        /// A socket of which the output has been watched, too.
        case bothWays(SocketSources)
        case transport(TransportBox)
        case closed
    }

    /// Whether the peer can send descriptors, and whether it has.
    enum PassedDescriptors: UInt8 {
        case impossible, possible, received
    }

    /// Takes over a connected, non-blocking socket.
    init(_ socket: consuming OwnedDescriptor, _ peer: PeerCredentials) {
        self.peer = peer
        descriptor = socket.rawValue
        passedDescriptors = socket.mayHoldDescriptors ? .possible : .impossible
        carrier = .unattached(socket)
    }

    /// Takes over a transport that is connected.
    init(_ transport: any PipeTransport, _ peer: PeerCredentials) {
        self.peer = peer
        descriptor = -1
        passedDescriptors = .impossible
        carrier = .transport(TransportBox(transport))
    }

    /// Whether every read and write is a plain system call on a socket.
    var isDirect: Bool { descriptor >= 0 && passedDescriptors == .impossible }

    /// Whether the peer has sent descriptors, on a kernel that does not refuse them. The bytes that came with them are
    /// delivered, and no more are read.
    var hasReceivedDescriptors: Bool { passedDescriptors == .received }

    /// Dispatches readiness to a handler from now on. Nothing is watched before ``watchInput()``.
    mutating func attach(to handler: any ByteStreamHandler, _ reactor: Reactor) {
        let before = exchange(&carrier, with: .closed)
        switch consume before {
        case .unattached(let socket):
            carrier = .socket(EventSource(reactor, owning: socket, .readable, handler: handler))
        case .transport(let box):
            carrier = .transport(box)
            box.transport.attach(to: handler)
        default: preconditionFailure("a stream is attached once, before its end")
        }
    }

    /// Closes the socket or transport (`close(2)`). The handler is not called any more.
    mutating func close() {
        transport?.close()
        carrier = .closed
    }
}

/// The event sources of both directions of a socket.
final class SocketSources {
    // Before the other, which closes the socket: epoll forgets first.
    var output: EventSource?
    let input: EventSource

    init(_ input: consuming EventSource) { self.input = input }
}

/// Makes one word of an existential's two.
final class TransportBox {
    let transport: any PipeTransport

    init(_ transport: any PipeTransport) { self.transport = transport }
}
