// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

// HOSTILE 69. An accepted socket has the SO_PASSRIGHTS of its listener at the moment of the connect, and a program that
// is started on demand sets the option after the connect that started it.

@Suite(.serialized) struct `69 · clients that connected before the program started` {
    private let scratch = Scratch()

    enum Fate: CaseIterable {
        case admitted, refusedByPolicy, refusedByDelegate, aboveTheLimit

        var configuration: PipeServer.Configuration {
            var configuration = PipeServer.Configuration()
            if self == .refusedByPolicy { configuration.accessPolicy = .users([12345]) }
            if self == .aboveTheLimit { configuration.maximumConnectionCount = 1 }
            return configuration
        }
    }

    @Test func `are accepted with the option as it was at their connect: a fact of the kernel`() throws {
        let address = try scratch.address()
        let listener = ForeignSocket(at: address)
        let early = try RawPeer(connectingTo: address)
        let name = try PublishedName(#require(try InheritedListener.listeners(at: [copy(listener.descriptor)]).first))
        let late = try RawPeer(connectingTo: address)
        for isEarly in [true, false] {
            guard let client = try Socket.accept(listener.descriptor, .thoseThatPass) else {
                Issue.record("nobody waits")
                break
            }
            let isGuarded = client.mayHoldDescriptors
            #expect(isGuarded == (isEarly || !name.passesNoRights))
        }
        withExtendedLifetime((early, late)) {}
    }

    @Test(arguments: Fate.allCases) func `delay no other with what they have sent`(fate: Fate) throws {
        let address = try scratch.address()
        let listener = ForeignSocket(at: address)
        let early = try bombs(3, at: address)
        let server = try BombedServer(
            inheriting: copy(listener.descriptor), at: address, fate.configuration, refuses: fate == .refusedByDelegate)
        defer { server.end() }
        #expect(server.turns(), "the loop is held")
        for bombed in early {
            #expect(
                eventually {
                    bombed.peer.readAll()
                    return bombed.peer.isAtEnd || !bombed.peer.readErrors.isEmpty
                })
        }
        let texts = server.record.texts.withLock { $0 }
        // A message that came with a descriptor is delivered before the connection ends.
        #expect(texts == [] || fate == .admitted || fate == .aboveTheLimit)
        withExtendedLifetime(early) {}
    }

    @Test func `delay no other where there is no descriptor for them`() async {
        await #expect(processExitsWith: .success) { try shedEarlyClients() }
    }

    @Test func `delay no other when the last reference to the listener ends with them in its queue`() throws {
        let address = try scratch.address()
        let listener = ForeignSocket(at: address)
        let socket = copy(listener.descriptor)
        _ = consume listener
        let early = try bombs(1, at: address)
        let thread = try ReactorThread { _ in }
        defer {
            thread.stop()
            thread.join()
        }
        let isOver = Flag()
        thread.executor.post { _ in
            // Its only owner, which ends with the function.
            #expect(throws: Never.self) { _ = try InheritedListener.listeners(at: [socket]) }
            isOver.raise()
        }
        #expect(eventually { isOver.isRaised }, "the loop is held")
        withExtendedLifetime(early) {}
    }
}

private struct Bombed {
    let peer: RawPeer
    let bomb: DescriptorBomb
}

/// Clients in the queue of a listener, each of which has sent a bomb.
private func bombs(_ count: Int, at address: PipeAddress) throws -> [Bombed] {
    try (0..<count).map { _ in
        let bombed = Bombed(peer: try RawPeer(connectingTo: address), bomb: try DescriptorBomb())
        #expect(bombed.bomb.send(over: bombed.peer, with: frame("boom")) == 8)
        return bombed
    }
}

/// A listener that a program inherits from the service manager.
private func copy(_ descriptor: Int32) -> ListenEnvironment.Socket {
    ListenEnvironment.Socket(descriptor: fcntl(descriptor, F_DUPFD_CLOEXEC, 0), name: "early")
}

private func shedEarlyClients() throws {
    limitDescriptors(to: 256)
    let scratch = Scratch()
    let listener = ForeignSocket(at: try scratch.address())
    let early = try bombs(3, at: scratch.address())
    try withLoop { loop in
        let inherited = try #require(try InheritedListener.listeners(at: [copy(listener.descriptor)]).first)
        let server = try PipeServer(inheriting: inherited, reactor: loop.reactor, delegate: loop.recorder())
        let hoard = Hoard()
        // The refused client is closed on another thread, and meanwhile its descriptor may be in use.
        #expect(loop.run { server.statistics.refusedCounts[.descriptorLimit, default: 0] > 0 })
        hoard.release()
        #expect(loop.run { server.statistics.refusedCount + server.statistics.closedCount == 3 })
    }
    withExtendedLifetime(early) {}
}
