// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

/// What is decided after each look, without files.
@Suite struct `The guard of a name` {
    private var nameGuard = NameGuard()

    private func look(reachable: Bool, wanted: Bool = false, _ occupant: NameGuard.Occupant = .socket) -> NameGuard.Look
    {
        NameGuard.Look(isReachable: reachable, isWanted: wanted, occupant: occupant)
    }

    @Test mutating func `13 · does nothing as long as the name is in place`() {
        for _ in 0..<3 { #expect(nameGuard.step(after: look(reachable: true)) == .nothing) }
        #expect(nameGuard.state == .held)
    }

    @Test(arguments: [
        (NameGuard.Occupant.nobody, NameLoss.removed), (.socket, .replaced), (.other, .replaced),
    ]) mutating func `13 · reports a loss once, then asks for it to be published, and reports its return`(
        _ occupant: NameGuard.Occupant, _ loss: NameLoss
    ) {
        #expect(nameGuard.step(after: look(reachable: false, occupant)) == .reportLoss(loss))
        for _ in 0..<3 { #expect(nameGuard.step(after: look(reachable: false, occupant)) == .republish) }
        #expect(nameGuard.step(after: look(reachable: true)) == .reportReturn)
        #expect(nameGuard.state == .held)
    }

    @Test mutating func `61 · gives the lock up when asked, and leaves when another socket has the name`() {
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .nothing)
        #expect(nameGuard.step(after: look(reachable: false)) == .leave)
        #expect(nameGuard.step(after: look(reachable: false, .nobody)) == .nothing)
        #expect(nameGuard.state == .takenOver)
    }

    @Test mutating func `61 · takes the lock back when the candidate is gone, and tries until it has it`() {
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        for _ in 0..<3 { #expect(nameGuard.step(after: look(reachable: true)) == .takeLockBack) }
        nameGuard.didTakeLockBack()
        #expect(nameGuard.step(after: look(reachable: true)) == .nothing)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
    }

    @Test(arguments: [NameGuard.Occupant.nobody, .other])
    mutating func `61 · does not take a removed name for a hand-over`(_ occupant: NameGuard.Occupant) {
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: false, wanted: true, occupant)) == .takeLockBack)
        nameGuard.didTakeLockBack()
        let loss: NameLoss = occupant == .nobody ? .removed : .replaced
        #expect(nameGuard.step(after: look(reachable: false, occupant)) == .reportLoss(loss))
    }
}
