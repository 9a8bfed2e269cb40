// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport

@testable import NamedPipes

/// Two ends of one connection: one for the library, and a plain one for its peer.
struct SocketPair {
    let near: Int32
    let far: RawPeer

    init?() {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
        (near, far) = (ends[0], RawPeer(taking: ends[1]))
    }

    /// The connection that owns the near end.
    func connection(of endpoint: Endpoint) -> PipeConnection {
        let peer = PeerCredentials(userID: 0, groupID: 0, processID: 0)
        return PipeConnection(endpoint, ByteStream(OwnedDescriptor(taking: near), peer))
    }
}

/// The delegate of a world that cannot be it yet, or any more.
final class Silence: PipeConnectionDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}
