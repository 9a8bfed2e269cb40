// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The source and destination of the bytes of a connection. Its kind is chosen when it is made, and only the files of
/// this folder tell the kinds apart:
///
/// | Kind | Reads | Writes |
/// |---|---|---|
/// | socket | `recv(2)`, `readv(2)` | `send(2)`, `sendmsg(2)` |
/// | guarded socket: its peer can send descriptors through it, see ``DescriptorRefusal`` | `recvmsg(2)` | the same |
/// | pair of descriptors, see ``DescriptorPair`` | as their kinds allow, see ``StreamDescriptor`` | the same |
/// | transport: anything else, such as memory in tests | ``PipeTransport/receive(atMost:)`` | ``PipeTransport/send(_:)`` |
///
/// A socket that needs no guard is *direct*: the fast path calls the kernel with its descriptor and checks nothing.
/// The sessions of a broker will be transports.
struct ByteStream: ~Copyable {
    /// The credentials of the process that was at the other end when the stream was made.
    let peer: PeerCredentials

    /// The descriptor of the socket; -1 for the other kinds. Declared here because four bytes are free behind the three
    /// numbers of `peer`.
    let descriptor: Int32

    // The order of the properties is the layout: 26 bytes. The small properties of the connection fill the next six.
    var carrier: Carrier
    var passedDescriptors: PassedDescriptors

    /// The owner of the descriptor or transport, and the source of readiness, in nine bytes.
    enum Carrier: ~Copyable {
        /// A socket before ``attach(to:_:)``.
        case unattached(OwnedDescriptor)
        /// A socket whose output was never watched, as is true of nearly all.
        case socket(EventSource)
        /// A socket whose output was watched at least once.
        case bothWays(SocketSources)
        case pair(DescriptorPair)
        case transport(TransportBox)
        case closed
    }

    /// Whether the peer can send descriptors, and whether it has.
    enum PassedDescriptors: UInt8 {
        case impossible, possible, received
        /// The connection receives them with its messages.
        case accepted
    }

    /// Takes over a connected, non-blocking socket.
    init(_ socket: consuming OwnedDescriptor, _ peer: PeerCredentials) {
        self.peer = peer
        descriptor = socket.rawValue
        passedDescriptors = socket.mayHoldDescriptors ? .possible : .impossible
        carrier = .unattached(socket)
    }

    /// Takes over two descriptors.
    init(_ pair: DescriptorPair, _ peer: PeerCredentials) {
        self.peer = peer
        descriptor = -1
        passedDescriptors = .impossible
        carrier = .pair(pair)
    }

    /// Takes over a connected transport.
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

    /// Makes a socket a guarded one, before ``attach(to:_:)``.
    mutating func guardUnattached() {
        let before = exchange(&carrier, with: .closed)
        guard case .unattached(let socket) = consume before else { preconditionFailure("attached already") }
        carrier = .unattached(OwnedDescriptor(taking: socket.release(), mayHoldDescriptors: true))
    }

    /// Dispatches readiness to a handler from now on. Nothing is watched before ``watchInput()``.
    mutating func attach(to handler: any ByteStreamHandler, _ reactor: Reactor) {
        let before = exchange(&carrier, with: .closed)
        switch consume before {
        case .unattached(let socket):
            carrier = .socket(EventSource(reactor, owning: socket, .readable, handler: handler))
        case .pair(let pair):
            carrier = .pair(pair)
            pair.attach(to: handler, reactor)
        case .transport(let box):
            carrier = .transport(box)
            box.transport.attach(to: handler)
        default: preconditionFailure("a stream is attached once, before its end")
        }
    }

    /// Takes the socket out of an attached stream, which is closed afterwards; nil if there is none.
    mutating func takeSocket() -> OwnedDescriptor? {
        let socket: OwnedDescriptor?
        switch exchange(&carrier, with: .closed) {
        case .socket(let source): socket = source.giveUpDescriptor()
        case .bothWays(let sources):
            sources.output = nil
            socket = sources.input.giveUpDescriptor()
        default: socket = nil
        }
        return socket
    }

    /// Closes the descriptors or the transport (`close(2)`). The handler is not called any more.
    mutating func close() {
        pair?.close()
        transport?.close()
        carrier = .closed
    }
}

/// The event sources of both directions of a socket.
final class SocketSources {
    // Declared before `input`, which closes the socket: epoll has to forget the descriptor first.
    var output: EventSource?
    let input: EventSource

    init(_ input: consuming EventSource) { self.input = input }
}

/// A box that takes one word, where an existential takes two.
final class TransportBox {
    let transport: any PipeTransport

    init(_ transport: any PipeTransport) { self.transport = transport }
}
