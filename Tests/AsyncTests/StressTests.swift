// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

/// Receivers, senders, cancellations and ends, combined from a seed.
@Suite(.timeLimit(.minutes(5))) struct `An async connection under stress` {
    @Test(arguments: 0..<60) func `79 · ends for all its tasks and loses nothing`(seed: UInt64) async throws {
        let thread = try ReactorThread { _ in }
        defer {
            thread.stop()
            thread.join()
        }
        let plan = StressPlan(seed)
        let server = StressedServer(plan)
        let client = StressedClient(plan)
        _ = try await Serving.run(plan.server, on: thread.executor) { connection in
            try await server.talk(on: connection)
        } while: { serving in
            do {
                try await PipeClient.withConnection(
                    to: serving.address, configuration: plan.client, on: thread.executor
                ) { connection in
                    try await client.talk(on: connection, of: serving.server)
                }
            } catch is PipeError where plan.ending != .peerFinishes {
                // The plan cut the connection short, so accepted messages may not have been sent.
            }
            // Every message is taken in once the handler has ended.
            #expect(await eventually { server.hasEnded })
        }
        // Each message went to one task, and none was passed over.
        let taken = client.taken.sorted()
        #expect(taken == Array(0..<taken.count), "\(plan)")
        for numbers in client.takenByTask { #expect(numbers == numbers.sorted(), "\(plan)") }
        // The accepted messages of each sender came in order.
        for (sender, numbers) in server.received { #expect(numbers == Array(0..<numbers.count), "\(sender), \(plan)") }
        guard plan.ending == .peerFinishes else { return }
        #expect(taken.count == plan.messageCount, "\(plan)")
        for (sender, count) in client.accepted {
            #expect(server.received[sender, default: []].count == count, "\(plan)")
        }
    }
}
