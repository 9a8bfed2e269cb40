// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport

@testable import NamedPipes

/// A world of connections on a reactor, of which nothing may be left at its end.
protocol ReactorWorld: AnyObject {
    init(_ seed: UInt64) throws

    var reactor: Reactor { get }

    /// What was wrong.
    var problems: [String] { get }

    /// Lets everything happen, to its end.
    func live() throws
}

extension ReactorWorld {
    static func run(_ seed: UInt64) throws -> [String] {
        weak var reactor: Reactor?
        var problems: [String] = []
        do {
            let world = try Self(seed)
            reactor = world.reactor
            try world.live()
            problems = world.problems
        }
        if reactor != nil { problems.append("the reactor and all that was on it is kept alive") }
        return problems
    }
}

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
