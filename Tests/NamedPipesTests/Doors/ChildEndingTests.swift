// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import Testing

@Suite struct `The end of a program` {
    private func ending() -> ChildEnding {
        var command: PipeCommand = ["worker"]
        command.gracePeriod = .seconds(3)
        command.terminationPeriod = .seconds(1)
        return ChildEnding(command)
    }

    @Test func `comes by itself, by SIGTERM or by SIGKILL, in this order`() {
        var ending = ending()
        #expect(ending.connectionDidEnd() == .wait(.seconds(3)))
        #expect(ending.connectionDidEnd() == .nothing)
        #expect(ending.timeDidPass() == .terminate(thenWait: .seconds(1)))
        #expect(ending.timeDidPass() == .kill)
        #expect(ending.timeDidPass() == .nothing)
        #expect(ending.exit == nil)
        ending.processDidEnd(.signaled(9))
        #expect(ending.exit == .signaled(9))
    }

    @Test func `needs no step once it has come`() {
        var ending = ending()
        ending.processDidEnd(.exited(0))
        #expect(ending.connectionDidEnd() == .nothing)
        #expect(ending.timeDidPass() == .nothing)
        #expect(ending.exit == .exited(0))
    }

    @Test func `explains what a peer does, and nothing that this end decided`() {
        let exit = ChildExit.signaled(11)
        for reason: DisconnectReason in [.closedByPeer, .resetByPeer, .truncatedByPeer(missingByteCount: 3)] {
            #expect(reason.explained(by: exit) == .programEnded(exit))
            #expect(reason.explained(by: nil) == reason)
        }
        for reason: DisconnectReason in [.closedLocally, .idle, .slowReader] {
            #expect(reason.explained(by: exit) == reason)
        }
    }

    @Test func `an environment has the changes, and the descriptor of a socket`() {
        var command: PipeCommand = ["worker"]
        command.environment = ["B": "new", "C": nil]
        let inherited = ["A=1=2", "B=old", "C=gone", "NAMED_PIPES_FD=7"]
        #expect(command.resolvedEnvironment(inherited) == ["A=1=2", "B=new", "NAMED_PIPES_FD=3"])
        command.channel = .standardStreams
        #expect(command.resolvedEnvironment(inherited) == ["A=1=2", "NAMED_PIPES_FD=7", "B=new"])
    }
}
