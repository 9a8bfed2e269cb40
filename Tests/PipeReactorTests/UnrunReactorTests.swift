// SPDX-License-Identifier: Apache-2.0
#if DEBUG
import Testing

@testable import PipeReactor

/// Which reactors a debug build takes for forgotten. What it says of them is tested by the program `Ending`.
@Suite struct `A reactor that never ran` {
    @Test func `is known until it runs or ends`() throws {
        let reactor = try Reactor()
        #expect(UnrunReactors.contains(reactor.executor))
        reactor.run { true }
        #expect(!UnrunReactors.contains(reactor.executor))
        var ending: Reactor? = try Reactor()
        let executor = try #require(ending?.executor)
        #expect(UnrunReactors.contains(executor))
        ending = nil
        #expect(!UnrunReactors.contains(executor))
    }

    @Test func `is not one that runs in virtual time only`() throws {
        let reactor = try Reactor(in: VirtualTime())
        #expect(UnrunReactors.contains(reactor.executor))
        reactor.settle()
        #expect(!UnrunReactors.contains(reactor.executor))
    }
}
#endif
