// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Synchronization
import Testing

// HOSTILE 24. The thread that closes a bomb blocks for an hour, so the limit here is generous: on a busy machine a
// second more or less must not decide, while 3,600 would.

@Suite(.serialized) struct `24 · descriptor bomb` {
    static let bound = Duration.seconds(10)

    /// Where the server closes it, if nothing prevents that.
    enum Place: CaseIterable {
        case inAMessage, queuedBeforeAccept, unreadAtClose, refusedAtTheDoor, inTheQueueAtStop, withTheLastWords
    }

    @Test func `is one: the thread that closes it blocks`() throws {
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
    func `delays no other connection`(place: Place, lacksPassRights: Bool) throws {
        let server = try BombedServer(lacksPassRights: lacksPassRights)
        defer { server.end() }
        _ = try #require(server.ping())
        var bombs: [DescriptorBomb] = []
        var worst = Duration.zero
        for _ in 0..<5 {
            let bomb = try DescriptorBomb()
            bombs.append(bomb)
            // Held as long as the bomb: where the kernel refused the descriptor, this end would be the last one.
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

    @Test func `inside a socket inside a message delays neither the loop nor the ends of other connections`() throws {
        let server = try BombedServer(lacksPassRights: true)
        defer { server.end() }
        _ = try #require(server.ping())
        var bombs: [DescriptorBomb] = []
        // One place is left: the nested descriptor is not disarmed.
        for _ in 1..<DescriptorDisposal.threadLimit {
            let bomb = try DescriptorBomb()
            bombs.append(bomb)
            let peer = try RawPeer(connectingTo: server.address)
            try server.whileHeld {
                let (near, far) = try RawPeer.pair()
                #expect(bomb.send(over: near, with: [0]) == 1)
                #expect(peer.write(frame("boom"), passing: [far.descriptor]) == 8)
                // Before the server closes its own: the last copy has to be there, or it would go off here.
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
        // The end of their connections frees the threads.
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
            // The connection is closing, and reads on only so that the peer takes its queue.
            let peer = try RawPeer(connectingTo: server.address)
            peer.writeAll([0, 0, 0])
            throwIt(over: peer, [1, 2, 3])
            _ = server.ping()
        }
    }
}
