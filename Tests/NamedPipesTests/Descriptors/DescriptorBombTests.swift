// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Synchronization
import Testing

// HOSTILE 24. A bomb makes whoever drops it wait for an hour, so the bound here is generous: a second more or less of a
// crowded machine must not decide, and 3,600 of them would.

@Suite(.serialized) struct `24 · descriptor bomb` {
    static let bound = Duration.seconds(10)

    /// Where the server drops it, if nothing is done about it.
    enum Place: CaseIterable {
        case inAMessage, queuedBeforeAccept, unreadAtClose, refusedAtTheDoor, inTheQueueAtStop, withTheLastWords
    }

    @Test func `is one: the thread that closes it waits`() throws {
        let bomb = try DescriptorBomb()
        let victim = try ReactorThread { _ in }
        let isClosed = Flag()
        let number = bomb.take()
        victim.executor.post { _ in
            _ = close(number)
            isClosed.raise()
        }
        let end = SuspendingClock.now + .milliseconds(200)
        while SuspendingClock.now < end, !isClosed.isRaised { sched_yield() }
        #expect(!isClosed.isRaised)
        bomb.defuse()
        #expect(eventually { isClosed.isRaised })
        victim.stop()
        victim.join()
    }

    @Test(arguments: Place.allCases, [false, true])
    func `holds nobody up`(place: Place, lacksPassRights: Bool) throws {
        let server = try BombedServer(lacksPassRights: lacksPassRights)
        defer { server.end() }
        _ = try #require(server.ping())
        var bombs: [DescriptorBomb] = []
        var worst = Duration.zero
        for _ in 0..<5 {
            let bomb = try DescriptorBomb()
            bombs.append(bomb)
            // Held as long as the bomb: its own end would be the last one where the kernel refused it.
            try place.attack(server, with: bomb, isRefused: !lacksPassRights && isRefusedByKernel)
            if place == .inTheQueueAtStop { break }
            worst = max(worst, try #require(server.ping(), "the server does not answer"))
        }
        #expect(worst < Self.bound)
        if place == .inTheQueueAtStop {
            #expect(eventually { server.record.stopCount.load(ordering: .relaxed) == 1 })
        }
        withExtendedLifetime(bombs) {}
    }

    @Test func `inside a socket inside a message holds up neither the loop nor the ends of others`() throws {
        let server = try BombedServer(lacksPassRights: true)
        defer { server.end() }
        _ = try #require(server.ping())
        var bombs: [DescriptorBomb] = []
        // One place is left: what is nested is not disarmed.
        for _ in 1..<DescriptorDisposal.threadLimit {
            let bomb = try DescriptorBomb()
            bombs.append(bomb)
            let peer = try RawPeer(connectingTo: server.address)
            try server.whileHeld {
                let (near, far) = try RawPeer.pair()
                #expect(bomb.send(over: near, with: [0]) == 1)
                #expect(peer.write(frame("boom"), passing: [far.descriptor]) == 8)
                // Before the server drops its own: the last one has to be there, or it would go off here.
                near.close()
                far.close()
            }
            try #require(
                eventually {
                    peer.readAll(); return peer.isAtEnd || !peer.readErrors.isEmpty
                })
        }
        #expect(try #require(server.ping()) < Self.bound)
        let peer = try RawPeer(connectingTo: server.address)
        peer.writeAll(frame("wait"))
        _ = server.ping()
        server.abortWaiting()
        #expect(
            eventually {
                peer.readAll(); return peer.isAtEnd
            })
        // Their end lets the threads go.
        bombs.removeAll()
    }

    /// Linux 6.16 and later.
    private var isRefusedByKernel: Bool { DescriptorRefusal.isRefusedByKernel }
}

extension `24 · descriptor bomb`.Place {
    func attack(_ server: BombedServer, with bomb: DescriptorBomb, isRefused: Bool) throws {
        func throwIt(over peer: RawPeer, _ bytes: [UInt8]) {
            let result = bomb.send(over: peer, with: bytes)
            #expect(result == (isRefused ? -Int(EPERM) : bytes.count))
        }
        switch self {
        case .inAMessage:
            let peer = try RawPeer(connectingTo: server.address)
            throwIt(over: peer, frame("boom"))
            _ = server.ping()
        case .queuedBeforeAccept:
            try server.whileHeld {
                let peer = try RawPeer(connectingTo: server.address)
                throwIt(over: peer, frame("boom"))
                peer.close()
            }
        case .unreadAtClose:
            let peer = try RawPeer(connectingTo: server.address)
            peer.writeAll(frame("wait"))
            _ = server.ping()
            throwIt(over: peer, frame("boom"))
            server.abortWaiting()
        case .refusedAtTheDoor:
            try server.whileHeld {
                server.record.refuses.store(true, ordering: .relaxed)
                throwIt(over: try RawPeer(connectingTo: server.address), frame("boom"))
            }
        case .inTheQueueAtStop:
            try server.whileHeld {
                throwIt(over: try RawPeer(connectingTo: server.address), frame("boom"))
                server.thread.stop()
            }
        case .withTheLastWords:
            // The connection is closing, and reads on only so that the peer takes what is queued for it.
            let peer = try RawPeer(connectingTo: server.address)
            peer.writeAll([0, 0, 0])
            throwIt(over: peer, [1, 2, 3])
            _ = server.ping()
        }
    }
}
