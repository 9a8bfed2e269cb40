// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Synchronization
import Testing

private func echo(_ connection: AsyncPipeConnection) async throws {
    for try await message in connection.messages { try await connection.send(message) }
}

struct AsyncMemoryTests {
    @Test func `an async handler serves a script`() throws {
        let network = try MemoryNetwork()
        network.serve(at: "echo", handler: echo)
        try network.run(PeerScript([.send("hello"), .expect("hello"), .finish, .expectEnd]), against: "echo")
    }

    @Test(arguments: [TransportFaults.none, .bumpy], [false, true])
    func `an async client and an async server talk through memory`(
        faults: TransportFaults, inBatches: Bool
    ) async throws {
        let network = try MemoryNetwork(seed: 2, faults: faults)
        network.serve(at: "echo") { connection in
            guard inBatches else { return try await echo(connection) }
            while try await connection.nextBatch({ try connection.trySend($0) }) {}
        }
        let sizes = [3, 0, 70_000, 300_000, 1]
        let visit = network.withConnection(to: "echo") { connection in
            var received: [Int] = []
            for size in sizes {
                try await connection.send([UInt8](repeating: 7, count: size))
                received.append(try await connection.nextMessage()?.byteCount ?? -1)
            }
            return received
        }
        network.settle()
        #expect(try await visit.value == sizes)
    }

    @Test func `a handler sleeps by the network's clock`() throws {
        let network = try MemoryNetwork()
        let clock = network.reactor.executor.clock
        network.serve(at: "slow") { connection in
            for try await message in connection.messages {
                try await clock.sleep(for: .seconds(3600))  // what is tested
                try await connection.send(message)
            }
        }
        let guest = RecordingDelegate()
        let client = try network.makeClient(to: "slow", delegate: guest)
        client.connect()
        network.settle()
        try client.send("later")
        network.clock.advance(by: .seconds(3599))
        #expect(guest.texts == [])
        network.clock.advance(by: .seconds(2))
        #expect(guest.texts == ["later"])
    }

    @Test func `a handler that throws ends its connection alone, and is reported`() throws {
        struct Refusal: Error {}
        let network = try MemoryNetwork()
        let failures = Mutex(0)
        network.serve(at: "choosy") { _, event in
            if case .handlerFailed(_, _, let error) = event, error is Refusal { failures.withLock { $0 += 1 } }
        } handler: { connection in
            for try await message in connection.messages {
                if message.byteCount == 0 { throw Refusal() }
                try await connection.send(message)
            }
        }
        let guests = try (0..<2).map { _ in
            let recorder = RecordingDelegate()
            let client = try network.makeClient(to: "choosy", delegate: recorder)
            client.connect()
            return (client, recorder)
        }
        network.settle()
        try guests[0].0.send([])
        network.settle()
        try guests[1].0.send("still")
        network.settle()
        #expect(failures.withLock { $0 } == 1)
        #expect(guests[0].0.connection == nil && guests[1].1.texts == ["still"])
    }

    @Test func `a stop ends the connections, and the task returns the report`() async throws {
        let network = try MemoryNetwork()
        let task = network.serve(at: "echo") { server, event in
            if case .disconnected = event { server.stop() }
        } handler: { connection in
            try await echo(connection)
        }
        try network.run(PeerScript([.send("a"), .expect("a"), .finish, .expectEnd]), against: "echo")
        network.settle()
        let report = try await task.value
        #expect(report.endedCount == 0 && report.deliveredMessageCount == 0)
        #expect(report.totals.receivedMessageCount == 1 && report.totals.acceptedCount == 1)
    }

    @Test func `a name that is taken is the task's error`() async throws {
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        let task = network.serve(at: "echo", handler: echo)
        await #expect(throws: PipeError.self) { try await task.value }
    }
}
