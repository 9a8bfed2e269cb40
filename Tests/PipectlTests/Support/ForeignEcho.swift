// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport

/// A server without the library, on the test's thread: it sends every byte back, and closes behind the last one.
final class ForeignEcho {
    private(set) var listener: RawListener
    private var clients: [(peer: RawPeer, sentCount: Int)] = []

    init(at path: String) throws {
        // As from a descriptor of another program: no lock, no watch, no second name.
        listener = try RawListener(at: .path(path))
        unsafe chmod(path, 0o640)
    }

    /// Runs a loop, and this server on it, until the condition holds, or for too long.
    ///
    /// - Returns: whether it holds.
    func run(on reactor: Reactor, until condition: () -> Bool) -> Bool {
        // No event on a reactor tells what plain sockets do, so the loop asks repeatedly.
        let ticker = reactor.schedule(after: .milliseconds(2), repeating: .milliseconds(2)) {}
        defer { ticker.cancel() }
        return reactor.run(timeout: deadline) {
            turn()
            return condition()
        }
    }

    /// Does what can be done at once.
    func turn() {
        while let peer = listener.accept() { clients.append((peer, 0)) }
        for index in clients.indices {
            let peer = clients[index].peer
            peer.readAll()
            let rest = peer.received.dropFirst(clients[index].sentCount)
            clients[index].sentCount += max(0, rest.isEmpty ? 0 : peer.write(rest.prefix(64 << 10)))
            if peer.isAtEnd, clients[index].sentCount == peer.received.count { peer.close() }
        }
        clients.removeAll { $0.peer.descriptor < 0 }
    }
}

extension RawPeer {
    /// Writes as much of the bytes as there is room for; finishes behind the last one.
    func continueWriting(_ bytes: inout ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        bytes = bytes.dropFirst(max(0, write(bytes.prefix(64 << 10))))
        if bytes.isEmpty { finishWriting() }
    }
}
