// SPDX-License-Identifier: Apache-2.0
#if NATS
import NamedPipes
import Testing

@testable import NamedPipesNATS

@Suite struct `The flow of a session` {
    private var near = SessionFlow(window: 100, peerWindow: 100)
    private var far = SessionFlow(window: 100, peerWindow: 100)

    @Test mutating func `numbers what carries the stream, and nothing else`() {
        #expect(near.send(.accept).sequence == 0)
        #expect(near.send(.data, byteCount: 1).sequence == 0)
        #expect(near.send(.heartbeat).sequence == 1)
        #expect(near.send(.credit).sequence == 1)
        #expect(near.send(.data, byteCount: 1).sequence == 1)
        #expect(near.send(.finish).sequence == 2)
        #expect(near.send(.close).sequence == 3)
    }

    @Test mutating func `notices that a piece is missing, at the next one of whichever kind`() {
        for kind in [Piece.Kind.data, .heartbeat, .credit, .finish, .close] {
            var near = SessionFlow(window: 100, peerWindow: 100)
            var far = SessionFlow(window: 100, peerWindow: 100)
            #expect(far.receive(near.send(.data, byteCount: 1), byteCount: 1) == nil)
            _ = near.send(.data, byteCount: 1)
            #expect(far.receive(near.send(kind), byteCount: 0) == .pieceLost)
        }
    }

    @Test mutating func `notices a piece that comes twice`() {
        let piece = near.send(.data, byteCount: 1)
        #expect(far.receive(piece, byteCount: 1) == nil)
        #expect(far.receive(piece, byteCount: 1) == .pieceLost)
    }

    @Test mutating func `has as much room as the other end has consumed`() {
        #expect(near.room == 100)
        #expect(far.receive(near.send(.data, byteCount: 60), byteCount: 60) == nil)
        #expect(near.room == 40)
        _ = near.send(.data, byteCount: 40)
        #expect(near.room == 0)
        _ = far.consume(30)
        #expect(near.receive(far.send(.heartbeat), byteCount: 0) == nil)
        #expect(near.room == 30)
    }

    @Test mutating func `announces room when half of the window has become free`() {
        #expect(far.receive(near.send(.data, byteCount: 100), byteCount: 100) == nil)
        let answers = [far.consume(49), far.consume(1)]
        #expect(answers == [false, true])
        let credit = far.send(.credit)
        #expect(credit.consumedByteCount == 50)
        // Everything that is sent carries it, so it is not announced again.
        let isDueAgain = far.consume(49)
        #expect(!isDueAgain)
        #expect(near.receive(credit, byteCount: 0) == nil)
        #expect(near.room == 50)
    }

    @Test mutating func `ends for a peer that sends more than the window, or invents credit`() {
        #expect(far.receive(Piece(.data, sequence: 0), byteCount: 101) == .malformed)
        #expect(near.receive(Piece(.credit, consumedByteCount: 1), byteCount: 0) == .malformed)
    }

    @Test mutating func `ends for a peer whose credit goes back`() {
        _ = near.send(.data, byteCount: 50)
        #expect(near.receive(Piece(.credit, consumedByteCount: 20), byteCount: 0) == nil)
        #expect(near.receive(Piece(.credit, consumedByteCount: 19), byteCount: 0) == .malformed)
    }

    @Test mutating func `sends a heartbeat at each second tick without a piece of its own`() {
        #expect(near.tick() == .nothing)
        #expect(near.tick() == .sendHeartbeat)
        _ = near.send(.heartbeat)
        #expect(near.tick() == .nothing)
        _ = near.send(.data, byteCount: 1)
        #expect(near.tick() == .nothing)
        #expect(near.tick() == .sendHeartbeat)
    }

    @Test mutating func `gives up at the ninth tick without a piece of the other end`() {
        for _ in 0..<8 {
            #expect(near.tick() != .giveUp)
            _ = near.send(.heartbeat)
        }
        #expect(near.receive(far.send(.heartbeat), byteCount: 0) == nil)
        for _ in 0..<8 { #expect(near.tick() != .giveUp) }
        #expect(near.tick() == .giveUp)
    }

    @Test mutating func `survives windows of one byte and of four gigabytes`() {
        var small = SessionFlow(window: 1, peerWindow: 1)
        #expect(small.room == 1)
        #expect(small.receive(Piece(.data), byteCount: 1) == nil)
        let isDue = small.consume(1)
        #expect(isDue)
        #expect(SessionFlow(window: .max, peerWindow: .max).room == Int(UInt32.max))
    }
}
#endif
