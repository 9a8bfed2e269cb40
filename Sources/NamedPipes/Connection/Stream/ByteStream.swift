// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What a connection reads from and writes to. Its kind is chosen when it is made, and only the files of this folder
/// ask for it:
///
/// | Kind | Reads | Writes |
/// |---|---|---|
/// | socket | `recv(2)`, `readv(2)` | `send(2)`, `sendmsg(2)` |
/// | guarded socket: a peer can send descriptors through it, see ``DescriptorRefusal`` | `recvmsg(2)` | the same |
/// | transport: anything else, in tests memory | ``PipeTransport/receive(atMost:)`` | ``PipeTransport/send(_:)`` |
///
/// A socket that the kernel guards for us is *direct*: the fast path calls the kernel with its number and asks nothing.
/// Two descriptors (standard input and output, FIFOs, a child's pipes) and the sessions of a broker will be transports.
struct ByteStream: ~Copyable {
    /// The process that was at the other end when the stream was made.
    let peer: PeerCredentials

    /// The socket; -1 where there is none. Here because four bytes are free behind the peer's three numbers.
    let descriptor: Int32

    // The order of the properties is the layout: a connection fills up the six bytes that are free behind them.
    var carrier: Carrier
    var passedDescriptors: PassedDescriptors

    /// What carries the bytes and tells of their arrival, in nine bytes.
    enum Carrier: ~Copyable {
        /// A socket before ``attach(to:_:)``.
        case unattached(OwnedDescriptor)
        /// A socket whose input alone is of interest, as mostly.
        case socket(EventSource)
        /// A socket whose output was waited for as well.
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

    /// Takes over what stands in the place of a socket.
    init(_ transport: any PipeTransport, _ peer: PeerCredentials) {
        self.peer = peer
        descriptor = -1
        passedDescriptors = .impossible
        carrier = .transport(TransportBox(transport))
    }

    /// Whether every read and write is a plain system call on a socket.
    var isDirect: Bool { descriptor >= 0 && passedDescriptors == .impossible }

    /// Whether the peer has sent descriptors, on a kernel that does not refuse them. What was read with them is still
    /// good, and nothing more is to be read.
    var hasReceivedDescriptors: Bool { passedDescriptors == .received }

    /// Has a handler told of readiness from now on. Nothing is watched before ``watchInput()``.
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

    /// Closes it (`close(2)`): nothing is called any more.
    mutating func close() {
        transport?.close()
        carrier = .closed
    }
}

/// What tells of both directions of a socket.
final class SocketSources {
    // Before the other, which closes the socket: epoll forgets first.
    var output: EventSource?
    let input: EventSource

    init(_ input: consuming EventSource) { self.input = input }
}

/// One word for an existential's two.
final class TransportBox {
    let transport: any PipeTransport

    init(_ transport: any PipeTransport) { self.transport = transport }
}
