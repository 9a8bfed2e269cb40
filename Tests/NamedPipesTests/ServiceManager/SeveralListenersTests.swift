// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// Several sockets of one service manager, at one server.
@Suite struct `Several inherited listeners` {
    private let scratch = Scratch()

    /// The manager's sockets, and what it hands over of them.
    private func hand(_ count: Int) throws -> (kept: [ForeignSocket], listeners: [InheritedListener]) {
        let kept = try (0..<count).map { ForeignSocket(at: try scratch.address("pipe\($0)")) }
        let sockets = kept.map { ListenEnvironment.Socket(descriptor: dup($0.descriptor), name: "web") }
        return (kept, try InheritedListener.listeners(at: sockets))
    }

    @Test func `15 · share limits, groups, broadcasts and statistics, and keep their names at the end`() throws {
        try withLoop { loop in
            let (kept, listeners) = try hand(3)
            let recorder = loop.recorder()
            var configuration = PipeServer.Configuration()
            configuration.maximumConnectionCount = 3
            let server = try PipeServer(
                inheriting: listeners, configuration: configuration, reactor: loop.reactor, delegate: recorder)
            let addresses = listeners.map(\.address)
            #expect(server.address == addresses[0] && server.listenerAddresses == addresses)
            let peers = try addresses.map { try RawPeer(connectingTo: $0) }
            try #require(loop.run { recorder.openCount == 3 })
            let late = try RawPeer(connectingTo: addresses[1])
            try #require(loop.run { recorder.refusals.map(\.refusal) == [.connectionLimit] })
            for connection in server.connections { try connection.join("all") }
            #expect(try server.publish("to all", to: "all").acceptedCount == 3)
            loop.settle()
            for peer in peers {
                peer.readAll()
                #expect(peer.texts == ["to all"])
            }
            #expect(server.statistics.acceptedCount == 3)
            #expect(server.acceptedCountsByListener == [addresses[0]: 1, addresses[1]: 2, addresses[2]: 1])
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(server.listenerAddresses.isEmpty)
            for address in addresses { #expect(connecting(to: address) == 0, "it waits for the next start") }
            withExtendedLifetime((kept, late)) {}
        }
    }

    @Test func `15 · can be added while the server runs, and not once it has stopped`() throws {
        try withLoop { loop in
            let (kept, listeners) = try hand(2)
            let (server, recorder) = try loop.server()
            try server.listen(alsoInheriting: listeners[0])
            #expect(throws: PipeError.inheritedListener(.alreadyServed(name: "web"))) {
                try server.listen(alsoInheriting: listeners[0])
            }
            let peers = try [loop.address, listeners[0].address].map { try RawPeer(connectingTo: $0) }
            try #require(loop.run { recorder.openCount == 2 })
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(throws: PipeError.notListening) { try server.listen(alsoInheriting: listeners[1]) }
            let other = PipeServer(adoptingFor: loop.address, reactor: loop.reactor, delegate: loop.recorder())
            #expect(throws: PipeError.notListening) { try other.listen(alsoInheriting: listeners[1]) }
            // It can still be used.
            _ = try PipeServer(inheriting: listeners[1], reactor: loop.reactor, delegate: loop.recorder())
            withExtendedLifetime((kept, peers)) {}
        }
    }

    @Test func `15 · all return to where they came from if one cannot be served`() throws {
        try withLoop { loop in
            let (kept, listeners) = try hand(3)
            _ = try PipeServer(inheriting: listeners[2], reactor: loop.reactor, delegate: loop.recorder())
            #expect(throws: PipeError.inheritedListener(.alreadyServed(name: "web"))) {
                _ = try PipeServer(inheriting: listeners, reactor: loop.reactor, delegate: loop.recorder())
            }
            let recorder = loop.recorder()
            let server = try PipeServer(
                inheriting: Array(listeners[..<2]), reactor: loop.reactor, delegate: recorder)
            let peers = try listeners[..<2].map { try RawPeer(connectingTo: $0.address) }
            try #require(loop.run { recorder.openCount == 2 })
            #expect(server.connectionCount == 2)
            withExtendedLifetime((kept, peers)) {}
        }
    }

    @Test func `15 · go on when one of them is shut down by another process, whichever it is`() throws {
        for broken in 0..<2 {
            try withLoop { loop in
                let (kept, listeners) = try hand(2)
                let recorder = loop.recorder()
                let server = try PipeServer(inheriting: listeners, reactor: loop.reactor, delegate: recorder)
                shutdown(kept[broken].descriptor, Int32(SHUT_RDWR))
                try #require(loop.run { recorder.acceptErrors.map(\.code) == [EINVAL] })
                #expect(server.isListening && server.listenerAddresses == [listeners[1 - broken].address])
                let peer = try RawPeer(connectingTo: listeners[1 - broken].address)
                try #require(loop.run { recorder.openCount == 1 })
                shutdown(kept[1 - broken].descriptor, Int32(SHUT_RDWR))
                try #require(loop.run { recorder.acceptErrors.count == 2 })
                #expect(!server.isListening && server.connectionCount == 1)
                withExtendedLifetime((kept, peer)) {}
            }
        }
    }
}
