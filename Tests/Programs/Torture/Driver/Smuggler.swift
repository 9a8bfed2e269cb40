// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport

/// Connects, sends the beginning of a message with a descriptor, and waits for the end. Its own failures are ignored.
final class Smuggler {
    private let peer: RawPeer?

    init(_ address: PipeAddress) {
        peer = try? RawPeer(connectingTo: address)
        _ = peer?.write([0], passing: 2)
    }

    func leave() { peer?.close() }
}
