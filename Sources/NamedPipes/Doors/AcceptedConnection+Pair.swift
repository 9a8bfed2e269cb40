// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// Connections over two descriptors: one that is read, and one that is written.

extension AcceptedConnection {
    /// Takes over two descriptors: pipes, terminals, sockets, files or devices, in any combination.
    ///
    /// The flags of their open file descriptions (open(2)) stay as they are, because other processes may share them;
    /// <doc:Doors> says what keeps a call from blocking. Both are closed on exec. From now on, no other code may use or
    /// close the numbers.
    ///
    /// Of the two, the kernel names a ``peer`` only if `input` is a Unix socket. A server admits other pairs only if
    /// its policy is ``AccessPolicy/anyUser``.
    ///
    /// - Parameters:
    ///   - input: the descriptor to read.
    ///   - output: the descriptor to write: another number than `input`, even if both are the same socket.
    /// - Throws: ``PipeError/unusableConnection(_:)`` or ``PipeError/system(_:)``. If it throws, both stay open and the
    ///   caller's.
    public init(reading input: Int32, writing output: Int32) throws(PipeError) {
        let problem = SharedDescription.problem(reading: input, writing: output)
        if let problem { throw .unusableConnection(problem) }
        do {
            let peer = try Socket.peerIfNamed(input)
            for number in [input, output] { _ = InheritedSocket.closeOnExec(number) }
            self.init(
                try TwoDescriptors(reading: OwnedDescriptor(taking: input), writing: OwnedDescriptor(taking: output)),
                from: peer)
        } catch {
            throw .system(error)
        }
    }

    /// Takes over standard input and output, so that no other code can use them any more.
    ///
    /// The streams move to descriptors of our own. Descriptor 0 becomes /dev/null, and descriptor 1 becomes what
    /// descriptor 2 is: a stray `print` goes to standard error instead of into the middle of a message, and a child
    /// process inherits neither stream. When the connection ends, both streams are closed, and the process at the other
    /// end sees that.
    ///
    /// Call it before other code reads standard input: bytes in a buffer of the C library or of Swift (`readLine()`)
    /// are not part of the connection. Call `fflush(3)` before if something was printed.
    ///
    /// - Throws: ``PipeError/unusableConnection(_:)``, for example if a stream is closed; ``PipeError/system(_:)``. If
    ///   it throws, nothing has changed.
    public static func standardStreams() throws(PipeError) -> AcceptedConnection {
        if let problem = SharedDescription.problem(reading: 0, writing: 1) { throw .unusableConnection(problem) }
        do {
            let peer = try Socket.peerIfNamed(0)
            let streams = try TwoDescriptors(
                reading: SharedDescription.duplicate(0), writing: SharedDescription.duplicate(1))
            let nothing = try SharedDescription.nothing()
            try SharedDescription.redirect(0, to: nothing.rawValue)
            try SharedDescription.redirect(1, to: InheritedSocket.isOpen(2) ? 2 : nothing.rawValue)
            return AcceptedConnection(streams, from: peer)
        } catch {
            throw .system(error)
        }
    }
}
