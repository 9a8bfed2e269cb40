// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

/// Other users at a name that every user may connect to. Needs root to become another user.
@Suite(.enabled(if: ForeignUser.canBeAnotherUser, "needs root, setpriv and python3"))
struct `Another user at an open name` {
    /// Sends a message, and expects the server to hang up.
    private let knock = """
        try:
            peer.sendall(b'\\0\\0\\0\\5hello')
            sys.exit(1 if peer.recv(100) else 0)
        except (ConnectionResetError, BrokenPipeError): pass
        """

    private func configuration(_ policy: AccessPolicy? = nil) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.permissions = .everyone
        if let policy { configuration.accessPolicy = policy }
        return configuration
    }

    @Test(arguments: [nil, AccessPolicy.users([0]), .groups([44]), .all(of: [])])
    func `17 · is refused unread, counted and reported, unless the policy names it`(_ policy: AccessPolicy?) throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(configuration(policy))
            #expect(ForeignUser(knock, loop.address).finish(loop) == 0)
            #expect(recorder.log == [.didRefuse])
            #expect(server.statistics.refusedCounts == [.policy: 1])
            #expect(server.refusedCountsByUser == [ForeignUser.userID: 1])
            let report = try #require(recorder.refusals.first)
            #expect(report.refusal == .policy && report.peer?.userID == ForeignUser.userID)
            #expect(report.suppressedCount == 0 && report.error == nil)
        }
    }

    @Test(arguments: [
        AccessPolicy.anyUser, .users([1, ForeignUser.userID]), .groups([ForeignUser.userID]), .groups([4242]),
        .any(of: [.ownUser, .all(of: [.groups([4299]), .users([ForeignUser.userID])])]),
    ])
    func `17 · is admitted by its user, its group or one of 100 supplementary groups`(_ policy: AccessPolicy) throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(configuration(policy))
            let groups = (4200..<4300).map(String.init).joined(separator: ",")
            let stranger = ForeignUser(
                "peer.sendall(b'\\0\\0\\0\\5hello'); peer.recv(1)", loop.address,
                privileges: ["--reuid=65534", "--regid=65534", "--groups=\(groups)"])
            try #require(loop.poll { recorder.texts == ["hello"] })
            let connection = try #require(recorder.connections.first)
            #expect(connection.peer.userID == ForeignUser.userID)
            #expect(connection.peer.processID == stranger.processID)
            #expect(try Set(connection.supplementaryGroupIDs()) == Set(4200..<4300))
            #expect(server.statistics.refusedCount == 0)
            connection.close()
            #expect(stranger.finish(loop) == 0)
            #expect(throws: PipeError.notConnected(.ended)) { try connection.supplementaryGroupIDs() }
        }
    }

    @Test func `21 · can open its share of connections and no more, while others go on connecting`() throws {
        try withLoop { loop in
            var configuration = configuration(.anyUser)
            configuration.maximumConnectionCountPerUser = 50
            configuration.maximumConnectionCount = 150
            let (server, recorder) = try loop.server(configuration)
            let greedy = """
                peers = [peer]
                for _ in range(199):
                    peers.append(socket.socket(socket.AF_UNIX))
                    peers[-1].connect(address)
                peer.recv(1)
                """
            let stranger = ForeignUser(greedy, loop.address)
            try #require(loop.poll { server.statistics.refusedCounts[.userConnectionLimit] == 150 })
            #expect(server.connectionCount == 50)
            let own = try (0..<50).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 100 })
            #expect(server.refusedCountsByUser == [ForeignUser.userID: 150])
            // Users whose connections have ended may open new ones.
            for connection in recorder.connections where connection.peer.userID == ForeignUser.userID {
                connection.close()
            }
            #expect(stranger.finish(loop) == 0)
            let next = ForeignUser("peer.sendall(b'\\0\\0\\0\\4back'); peer.recv(1)", loop.address)
            try #require(loop.poll { recorder.texts == ["back"] })
            withExtendedLifetime((own, next)) {}
        }
    }

    @Test func `66 · cannot fill a log by connecting without end`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(configuration())
            var times: [ContinuousClock.Instant] = []
            recorder.whenRefused = { _, _ in times.append(.now) }
            let knocking = """
                for _ in range(2000):
                    with socket.socket(socket.AF_UNIX) as another: another.connect(address)
                """
            #expect(ForeignUser(knocking, loop.address).finish(loop) == 0)
            try #require(loop.run { server.statistics.refusedCounts == [.policy: 2001] })
            for first in times { #expect(times.count { first <= $0 && $0 < first + .seconds(1) } <= 10) }
            let told = recorder.refusals.count + recorder.refusals.reduce(0) { $0 + $1.suppressedCount }
            #expect((5...2001).contains(told))
            #expect(server.refusedCountsByUser == [ForeignUser.userID: 2001])
        }
    }
}
