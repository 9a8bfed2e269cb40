// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

/// A server that accepts descriptors, and a plain socket that it has adopted.
private struct Adopted {
    let server: PipeServer
    let recorder: Recorder
    let peer: RawPeer

    init(_ loop: Loop, _ policy: DescriptorPolicy) throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.framing = DescriptorFraming()
        configuration.connection.descriptors = policy
        recorder = loop.recorder()
        server = PipeServer(
            adoptingFor: try .abstract("descriptors"), configuration: configuration, reactor: loop.reactor,
            delegate: recorder)
        let (one, other) = try RawPeer.pair()
        peer = other
        server.adopt(try AcceptedConnection(adopting: try duplicate(one.descriptor)))
        let recorder = recorder
        try #require(loop.run { recorder.openCount == 1 })
    }

    var connection: PipeConnection { get throws { try #require(recorder.connections.first) } }
}

@Suite(.serialized) struct `90 · Descriptors that are slow to close, with passing on` {
    enum Fate: CaseIterable {
        case left, takenAndEnded, takenAllAndEnded, keptAndReleased, unannounced, unclaimed, passedOnUnsent
    }

    /// The loop of this thread would wait for an hour in the last close.
    @Test(arguments: Fate.allCases) func `never hold the loop`(fate: Fate) throws {
        try withLoop { loop in
            let adopted = try Adopted(loop, .accepted())
            adopted.recorder.whenPassed = { connection, descriptors in
                switch fate {
                case .left, .unannounced, .unclaimed: break
                case .takenAndEnded: _ = descriptors.takeFirst()
                case .takenAllAndEnded: _ = descriptors.takeAll()
                case .keptAndReleased:
                    let kept = connection.keep([UInt8]("kept".utf8).span, descriptors: &descriptors)
                    #expect(kept.descriptorCount == 1)
                case .passedOnUnsent:
                    var outgoing = OutgoingDescriptors()
                    outgoing.append(allOf: &descriptors)
                }
            }
            let bomb = try DescriptorBomb()
            defer { bomb.defuse() }
            let frame = announcing(fate == .unannounced ? 0 : 1, "boom")
            let sent = fate == .unclaimed ? Array(frame.dropLast()) : frame
            #expect(bomb.send(over: adopted.peer, with: sent) == sent.count)
            adopted.peer.finishWriting()
            try #require(loop.run { adopted.recorder.reasons.count == 1 })
            switch fate {
            case .unannounced: #expect(adopted.recorder.reasons == [.descriptors(.moreThanAnnounced(surplus: 1))])
            case .unclaimed: #expect(adopted.recorder.reasons == [.truncatedByPeer(missingByteCount: 1)])
            default: #expect(adopted.recorder.reasons == [.closedByPeer])
            }
        }
    }
}

@Suite struct `Descriptors in flight` {
    @Test func `that are kept stop reading at the limit, until they are taken`() throws {
        try withLoop { loop in
            let adopted = try Adopted(loop, .accepted(perMessage: 1, perConnection: 4))
            var kept: [PipeMessage] = []
            adopted.recorder.whenPassed = { connection, descriptors in
                kept.append(connection.keep([UInt8]("kept".utf8).span, descriptors: &descriptors))
            }
            for _ in 0..<8 {
                #expect(adopted.peer.write(announcing(1, "x"), passing: 2) == 6)
            }
            try #require(loop.run { adopted.recorder.messageCount == 3 })
            loop.settle()
            #expect(adopted.recorder.messageCount == 3)
            #expect(adopted.server.endpoint.descriptors?.inFlightCount == 3)
            _ = kept[0].takeDescriptors()
            try #require(loop.run { adopted.recorder.messageCount == 4 })
            kept = []
            adopted.recorder.whenPassed = { _, _ in }
            try #require(loop.run { adopted.recorder.messageCount == 8 })
            #expect(adopted.recorder.reasons.isEmpty)
            #expect(loop.poll { adopted.server.endpoint.descriptors?.inFlightCount == 0 })
        }
    }

    @Test func `beyond a user's limit end the connection that brings them`() throws {
        let account = { DescriptorLedger.Account(user: 7, connection: $0) }
        try withLoop { loop in
            let acceptance = try #require(
                DescriptorPolicy.accepted(perMessage: 1, perConnection: 2, perUser: 3).acceptance)
            let ledger = DescriptorLedger(acceptance, loop.reactor.executor)
            #expect(ledger.charge(2, to: account(1)) == nil)
            #expect(ledger.charge(1, to: account(1)) == .connectionLimit(2))
            #expect(ledger.charge(1, to: account(2)) == nil)
            #expect(ledger.charge(1, to: account(2)) == .userLimit(3))
            #expect(ledger.charge(1, to: DescriptorLedger.Account(user: 8, connection: 3)) == nil)
            ledger.hold(2, of: account(1))
            #expect(!ledger.mayRead(account(1)))
            #expect(!ledger.mayRead(account(2)))
            ledger.release(2, of: account(1), isHeld: true)
            #expect(ledger.mayRead(account(1)))
            #expect(ledger.charge(2, to: account(1)) == nil)
            #expect(ledger.inFlightCount == 4)
        }
    }
}
