// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import NamedPipesTesting
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A delegate behind a broker` {
    /// Answers, and closes once its peer has finished.
    private final class Polite: PipeServerDelegate {
        private let messageCount: Count

        init(_ messageCount: Count) { self.messageCount = messageCount }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            if connection.natsPeer != nil { messageCount.add() }
            _ = try? connection.send(message)
        }

        func connectionDidFinishReceiving(_ connection: PipeConnection) { connection.close() }
    }

    /// Leaves a connection open whose peer has finished.
    private final class Impolite: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

        func connectionDidFinishReceiving(_ connection: PipeConnection) {}
    }

    @Test func `gets what the contract promises in every history, as in memory`() throws {
        let messageCount = Count()
        #expect(try violations(repetitions(10)) { _ in Polite(messageCount) }.map { "\($0)" } == [])
        #expect(messageCount.value > 500)
    }

    @Test func `is told what it does wrong`() throws {
        let found = try violations(0) { _ in Impolite() }
        #expect(found.contains { $0.side == .delegate && $0.problem.hasPrefix("did not close a connection") })
    }

    private func violations<Delegate: PipeServerDelegate>(
        _ seedCount: Int, _ makeDelegate: (Reactor) throws -> Delegate
    ) throws -> [ContractViolation] {
        let starting = try Loop()
        let broker = try Broker(starting)
        var conformance = DelegateConformance(messages: ["hello"])
        conformance.seeds = 0..<UInt64(seedCount)
        // What a delegate keeps does not depend on what carries its connections.
        conformance.checksGrowth = false
        conformance.violationLimit = 1
        let found = try conformance.check(server: makeDelegate) { faults, _ in
            try BrokerNetwork(broker.url, window: faults.capacity)
        }
        #expect(starting.end() == [])
        return found
    }
}
#endif
