// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A client that requires a certain server` {
    private var own: UInt32 { geteuid() }

    @Test func `23 · fails, typed, before a byte is sent, and keeps its messages`() throws {
        try withLoop { loop in
            let listener = try RawListener(at: loop.address)
            var configuration = PipeClient.Configuration()
            configuration.requiredPeer = .users([own + 1])
            configuration.unsentMessages = .keep
            let (client, recorder) = loop.client(configuration)
            try client.send("secret")
            try #require(loop.run { recorder.failures.count == 1 })
            #expect(recorder.failures.first?.isRefusal(of: own) == true)
            #expect(recorder.states == [.connecting, .idle])
            #expect(recorder.openCount == 0 && client.keptMessageCount == 1)
            let peer = try #require(listener.accept())
            peer.readAll()
            #expect(peer.isAtEnd && peer.received.isEmpty)
        }
    }

    @Test func `23 · connects to the user it requires, and by default to any server in other places`() throws {
        let directory = try FreshDirectory()
        try withLoop { loop in
            let address = try directory.address()
            let (_, atServer) = try loop.server(at: address)
            for (number, policy) in [nil, AccessPolicy.users([own]), .ownUser, .anyUser].enumerated() {
                var configuration = PipeClient.Configuration()
                configuration.requiredPeer = policy
                let (client, _) = loop.client(configuration, to: address)
                try client.connection?.send("never: it is not connected yet")
                try #require(loop.run { atServer.openCount == number + 1 })
            }
        }
    }

    @Test(.enabled(if: ForeignUser.canBeAnotherUser, "needs root, setpriv and python3"))
    func `23 · does not trust another user at a name in the runtime directory, unless told to`() throws {
        try withLoop { loop in
            try #require(loop.address.isInRuntimeDirectory)
            let impostor = ForeignUser(
                """
                peer.bind(address)
                os.setresuid(65534, 65534, 65534)
                peer.listen()
                first, _ = peer.accept()
                if first.recv(100): sys.exit(1)
                second, _ = peer.accept()
                if second.recv(100) != b'\\0\\0\\0\\2hi': sys.exit(2)
                """, loop.address, connects: false, privileges: nil)
            defer { if let path = loop.address.path { unsafe unlink(path) } }
            var configuration = PipeClient.Configuration()
            configuration.waitsForServer = true
            configuration.connectTimeout = Loop.patience
            let (_, doubting) = loop.client(configuration)
            try #require(loop.run { doubting.failures.count == 1 })
            #expect(doubting.failures.first?.isRefusal(of: ForeignUser.userID) == true)
            configuration.requiredPeer = .anyUser
            let (_, trusting) = loop.client(configuration)
            trusting.whenOpened = { _ = try? $0.send("hi") }
            #expect(impostor.finish(loop) == 0)
        }
    }

    @Test func `23 · requires its own user or root where only they can make a name`() throws {
        var environment = AddressEnvironment(
            userID: 1000, xdgRuntimeDirectory: "/run/user/1000", tmpDirectory: nil, isDirectory: { _ in true })
        #expect(try PipeAddress.runtime("echo", in: environment).isInRuntimeDirectory(of: environment))
        #expect(try PipeAddress.path("/run/user/1000/echo").isInRuntimeDirectory(of: environment))
        for address in try [
            PipeAddress.path("/run/user/1000/app/echo"), .path("/tmp/echo"), .abstract("/run/user/1000/echo"),
        ] { #expect(!address.isInRuntimeDirectory(of: environment)) }
        environment.xdgRuntimeDirectory = nil
        environment.isDirectory = { _ in false }
        #expect(try !PipeAddress.path("/run/user/1000/echo").isInRuntimeDirectory(of: environment))
        #expect(try PipeAddress.path("/tmp/named-pipes-1000/echo").isInRuntimeDirectory(of: environment))
    }
}

extension PipeError {
    fileprivate func isRefusal(of user: UInt32) -> Bool {
        guard case .peerRefused(let peer) = self else { return false }
        return peer.userID == user && description.hasPrefix("the server is not the required peer, but uid ")
    }
}
