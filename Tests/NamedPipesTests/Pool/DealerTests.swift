// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A dealer` {
    private func candidates(_ loads: [Int], held: Set<Int> = []) -> [Dealer.Candidate] {
        loads.enumerated().map { Dealer.Candidate(load: $1, isHeld: held.contains($0)) }
    }

    @Test func `chooses the worker with the fewest connections`() {
        var dealer = Dealer(.fewestConnections)
        #expect(dealer.choose(for: 1, among: candidates([3, 1, 2])) == 1)
        #expect(dealer.choose(for: 1, among: candidates([0, 1, 2])) == 0)
        #expect(dealer.choose(for: 1, among: candidates([7])) == 0)
    }

    @Test func `lets workers with the same load take turns`() {
        var dealer = Dealer(.fewestConnections)
        let chosen = (0..<6).map { _ in dealer.choose(for: 1, among: candidates([5, 5, 5])) }
        #expect(chosen == [0, 1, 2, 0, 1, 2])
    }

    @Test func `keeps the workers even when half of all connections leave at random`() {
        var dealer = Dealer(.fewestConnections)
        var random = Seeded(1)
        var loads = [0, 0, 0, 0]
        var live: [Int] = []
        func connect() {
            let worker = dealer.choose(for: 1, among: candidates(loads))
            loads[worker] += 1
            live.append(worker)
        }
        for _ in 0..<8000 { connect() }
        live.shuffle(using: &random)
        for _ in 0..<4000 { loads[live.removeLast()] -= 1 }
        for _ in 0..<4000 { connect() }
        #expect(loads == [2000, 2000, 2000, 2000])
    }

    @Test func `goes round`() {
        var dealer = Dealer(.roundRobin)
        let chosen = (0..<5).map { _ in dealer.choose(for: 1, among: candidates([9, 0, 4])) }
        #expect(chosen == [0, 1, 2, 0, 1])
        #expect(dealer.choose(for: 1, among: candidates([9, 0, 4], held: [2])) == 0)
        #expect(dealer.choose(for: 1, among: candidates([9, 0, 4], held: [1, 2])) == 0)
    }

    @Test func `keeps all of a user at one worker, held or not`() {
        var dealer = Dealer(.byUser)
        for user in 0..<10 as Range<UInt32> {
            let first = dealer.choose(for: user, among: candidates([0, 0, 0]))
            #expect(dealer.choose(for: user, among: candidates([9, 0, 4])) == first)
            #expect(dealer.choose(for: user, among: candidates([9, 9, 9], held: [first])) == first)
        }
        #expect(Set((0..<10).map { dealer.choose(for: $0, among: candidates([0, 0, 0])) }) == [0, 1, 2])
        #expect(dealer.choose(for: .max, among: candidates([0, 0, 0])) < 3)
        #expect(!dealer.mayDealAgain)
    }

    @Test(arguments: [Dealing.fewestConnections, .roundRobin])
    func `passes over a worker that is held, unless all are`(dealing: Dealing) {
        var dealer = Dealer(dealing)
        for _ in 0..<6 { #expect(dealer.choose(for: 1, among: candidates([0, 5, 5], held: [0])) != 0) }
        let chosen = (0..<6).map { _ in dealer.choose(for: 1, among: candidates([5, 5, 5], held: [0, 1, 2])) }
        #expect(Set(chosen) == [0, 1, 2])
        #expect(dealer.mayDealAgain)
    }
}

@Suite struct `The number of reactors` {
    @Test func `is at least one, and bounded`() {
        #expect(ReactorCount(0).value == 1 && ReactorCount(-3).value == 1)
        #expect(ReactorCount(.max).value == SlotTable<AnyObject>.distinctTableLimit)
        let literal: ReactorCount = 4
        #expect(literal.value == 4)
        #expect(ReactorCount.cores.value >= 1)
    }
}
