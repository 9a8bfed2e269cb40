// SPDX-License-Identifier: Apache-2.0
#if NATS
import PipeTestSupport
import Testing

@testable import NamedPipesNATS

@Suite struct `A pull` {
    private let state = Box(PullState())

    private func begin(_ room: Int = 2) -> Bool { state.value.begin(room: room) }

    private func tick() -> PullState.Action { state.value.tick() }

    private func ticks(_ count: Int) -> [PullState.Action] { (0..<count).map { _ in tick() } }

    /// - Parameter number: the pull that it is about; nil for the latest.
    private func receive(_ code: Int, _ text: String = "", of number: UInt64? = nil) -> PullState.Action {
        state.value.receive(
            PullStatus(code: code, text: text), of: number ?? state.value.number, consumer: "billing")
    }

    @Test func `is the only one until its messages have come`() {
        #expect(!begin(0) && begin(2) && !begin(2))
        state.value.receiveMessage()
        #expect(!begin(2) && state.value.awaitedCount == 1)
        state.value.receiveMessage()
        #expect(begin(2) && state.value.number == 2)
    }

    @Test(arguments: [404, 408]) func `is followed by another when its time is over`(_ code: Int) {
        #expect(begin())
        #expect(receive(code) == .pull && state.value.awaitedCount == 0)
        #expect(begin())
        // The broker's word about an earlier one.
        #expect(receive(code, of: 1) == .nothing && state.value.awaitedCount == 2)
    }

    @Test func `is given up when the broker is silent for three ticks`() {
        #expect(begin())
        #expect(ticks(2) == [.nothing, .nothing])
        #expect(receive(100, "Idle Heartbeat") == .nothing)
        #expect(ticks(2) == [.nothing, .nothing])
        state.value.receiveMessage()
        #expect(ticks(3) == [.nothing, .nothing, .startAgain])
        #expect(state.value.awaitedCount == 0)
        #expect(ticks(3) == [.nothing, .nothing, .nothing])
    }

    @Test(arguments: ["Exceeded MaxWaiting", "Leadership Change", "Server Shutdown"])
    func `that is refused is not repeated before the next tick`(_ text: String) {
        #expect(begin())
        #expect(receive(409, text) == .nothing)
        #expect(!begin())
        #expect(tick() == .startAgain)
        #expect(begin())
    }

    @Test func `ends the consumer if that was deleted, or the broker does not understand`() {
        #expect(begin())
        #expect(receive(409, "Consumer Deleted") == .end(.consumerDeleted("billing")))
        #expect(receive(400, "Bad Request") == .end(.jetStream(code: 400, "Bad Request")))
    }

    @Test func `is forgotten with its connection`() {
        #expect(begin())
        state.value.forget()
        #expect(begin())
    }
}
#endif
