// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `A connection's place in the turn` {
    @Test func `is asked for once`() {
        var turn = TurnState()
        let entries = [turn.schedule(), turn.schedule()]
        #expect(entries == [true, false])
        turn.comeUp()
        #expect(turn == TurnState())
    }

    @Test func `is not asked for while it is busy, which settles at its end`() {
        var turn = TurnState()
        turn.begin()
        #expect(turn == .onlyBusy)
        let isEntered = turn.schedule()
        #expect(!isEntered)
        turn.end()
        #expect(turn == TurnState())
    }

    @Test func `is kept by an event that comes before it`() {
        var turn = TurnState()
        _ = turn.schedule()
        turn.begin()
        turn.end()
        #expect(turn.isScheduled)
    }

    @Test func `is taken again where one turn is not enough, once for each request`() {
        var turn = TurnState()
        turn.begin()
        turn.want()
        turn.beginWork()
        turn.want()
        turn.end()
        let wishes = [turn.takeWish(), turn.takeWish()]
        #expect(wishes == [true, false])
    }

    @Test func `is not taken unasked`() async {
        await #expect(processExitsWith: .failure) {
            var turn = TurnState()
            turn.comeUp()
        }
    }
}

@Suite struct `The word that a connection's values share` {
    @Test func `is one word, and begins with nothing`() {
        #expect(MemoryLayout<ConnectionState>.size == 4 && MemoryLayout<ConnectionLifecycle>.size == 2)
        let state = ConnectionState()
        #expect(state.interest == ConnectionInterest() && state.flow == FlowControl() && state.turn == TurnState())
    }

    @Test func `keeps each value apart from the others`() {
        var state = ConnectionState()
        state.flow.pause()
        state.turn.begin()
        state.interest.watchInput()
        #expect(state.flow.isPaused && state.turn == .onlyBusy && state.interest == .onlyInput)
        state.flow.resume()
        #expect(state.flow == FlowControl() && state == .serving)
        state.turn.end()
        #expect(state == .idle)
    }

    @Test func `is never idle where reads are no plain system calls`() {
        var state = ConnectionState(isDirect: false)
        state.interest.watchInput()
        #expect(state.interest == .onlyInput && state != .idle)
        state.turn.begin()
        #expect(state.turn == .onlyBusy && state != .serving)
    }
}
