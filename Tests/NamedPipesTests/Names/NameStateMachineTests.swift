// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

/// The decision after each look, without files.
@Suite struct `The guard of a name` {
    private var nameGuard = NameStateMachine()

    private func look(reachable: Bool, wanted: Bool = false, _ occupant: NameStateMachine.Occupant = .socket)
        -> NameStateMachine.Look
    {
        NameStateMachine.Look(isReachable: reachable, isWanted: wanted, occupant: occupant)
    }

    @Test mutating func `13 · does nothing as long as the name is in place`() {
        for _ in 0..<3 { #expect(nameGuard.step(after: look(reachable: true)) == .nothing) }
        #expect(nameGuard.state == .held)
    }

    @Test(arguments: [
        (NameStateMachine.Occupant.nobody, NameLoss.removed), (.socket, .replaced), (.other, .replaced),
    ]) mutating func `13 · reports a loss once, then asks for a new publication, and reports the return`(
        _ occupant: NameStateMachine.Occupant, _ loss: NameLoss
    ) {
        #expect(nameGuard.step(after: look(reachable: false, occupant)) == .reportLoss(loss))
        for _ in 0..<3 { #expect(nameGuard.step(after: look(reachable: false, occupant)) == .republish) }
        #expect(nameGuard.step(after: look(reachable: true)) == .reportReturn)
        #expect(nameGuard.state == .held)
    }

    @Test mutating func `61 · gives the lock up when asked, and leaves when another socket has name and lock`() {
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .nothing)
        #expect(nameGuard.step(after: look(reachable: false, wanted: true)) == .nothing)
        #expect(nameGuard.step(after: look(reachable: false)) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: false, look(reachable: false)) == .leave)
        #expect(nameGuard.step(after: look(reachable: false, .nobody)) == .nothing)
        #expect(nameGuard.state == .takenOver)
    }

    @Test mutating func `61 · takes the lock back when the candidate is gone, and tries until it has it`() {
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        for _ in 0..<3 {
            #expect(nameGuard.step(after: look(reachable: true)) == .takeLockBack)
            #expect(nameGuard.step(afterTakingLockBack: false, look(reachable: true)) == .nothing)
        }
        #expect(nameGuard.step(after: look(reachable: true)) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: true, look(reachable: true)) == .nothing)
        #expect(nameGuard.step(after: look(reachable: true)) == .nothing)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
    }

    @Test(arguments: [NameStateMachine.Occupant.nobody, .socket, .other])
    mutating func `61 · does not take a lost name for a hand-over if the lock can be had`(
        _ occupant: NameStateMachine.Occupant
    ) {
        let lost = look(reachable: false, occupant)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: false, wanted: true, occupant)) == .nothing)
        #expect(nameGuard.step(after: lost) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: true, lost) == .nothing)
        #expect(nameGuard.step(after: lost) == .reportLoss(occupant == .nobody ? .removed : .replaced))
    }

    @Test(arguments: [NameStateMachine.Occupant.nobody, .other])
    mutating func `61 · waits where another process has the lock, and no socket the name`(
        _ occupant: NameStateMachine.Occupant
    ) {
        let lost = look(reachable: false, occupant)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
        #expect(nameGuard.step(after: lost) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: false, lost) == .nothing)
        #expect(nameGuard.step(after: lost) == .takeLockBack)
    }

    @Test(arguments: [true, false])
    mutating func `76 · gives the lock up when asked although the name is lost, reported or not`(_ isTold: Bool) {
        let lost = look(reachable: false, .nobody)
        if isTold { #expect(nameGuard.step(after: lost) == .reportLoss(.removed)) }
        #expect(nameGuard.step(after: look(reachable: false, wanted: true, .nobody)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: false, wanted: true, .nobody)) == .nothing)
        #expect(nameGuard.step(after: lost) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: true, lost) == .nothing)
        // The loss is reported once.
        #expect(nameGuard.step(after: lost) == (isTold ? .republish : .reportLoss(.removed)))
        #expect(nameGuard.step(after: look(reachable: false, wanted: true, .nobody)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: false)) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: false, look(reachable: false)) == .leave)
    }

    @Test mutating func `76 · also reports a return while the lock is given up`() {
        #expect(nameGuard.step(after: look(reachable: false, .nobody)) == .reportLoss(.removed))
        #expect(nameGuard.step(after: look(reachable: false, wanted: true, .nobody)) == .giveLockUp)
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .reportReturn)
        #expect(nameGuard.step(after: look(reachable: true)) == .takeLockBack)
        #expect(nameGuard.step(afterTakingLockBack: true, look(reachable: true)) == .nothing)
        #expect(nameGuard.state == .held)
    }

    @Test mutating func `76 · puts a lost lock back before it hands it over`() {
        var alone = look(reachable: true, wanted: true)
        alone.isLockInPlace = false
        for _ in 0..<2 { #expect(nameGuard.step(after: alone) == .putLockBack) }
        #expect(nameGuard.step(after: look(reachable: true, wanted: true)) == .giveLockUp)
    }
}
