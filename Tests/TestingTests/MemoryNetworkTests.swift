// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

/// Sends back what it gets.
final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send(message)
    }
}

struct MemoryNetworkTests {
    @Test func `a server and a client talk through memory`() throws {
        let network = try MemoryNetwork()
        let server = try network.makeServer(at: "echo", delegate: Echo())
        let recorder = RecordingDelegate()
        let client = try network.makeClient(to: "echo", delegate: recorder)
        #expect(server.isListening)
        client.connect()
        network.settle()
        #expect(client.state == .connected)
        #expect(server.connectionCount == 1)
        try client.send("hello")
        try client.send([])
        network.settle()
        #expect(recorder.messages == [Array("hello".utf8), []])
        client.connection?.finishSending()
        network.settle()
        #expect(
            recorder.events.suffix(3) == [.finishedReceiving, .closed(.closedByPeer), .changed(.idle)])
        #expect(server.statistics.closedCounts == [.closedByPeer: 1])
        #expect(server.statistics.receivedMessageCount == 2)
    }

    @Test func `questions to the kernel about a peer are answered without one`() throws {
        let network = try MemoryNetwork()
        var answers: [String] = []
        let recorder = RecordingDelegate()
        let asking = Asking { connection in
            answers.append("\(Result { try connection.supplementaryGroupIDs() })")
            do throws(PipeError) {
                _ = try connection.verifiedProcess()
            } catch {
                if case .peerProcessUnavailable = error { answers.append("unavailable") }
            }
        }
        try network.makeServer(at: "asking", delegate: asking)
        let client = try network.makeClient(to: "asking", delegate: recorder)
        client.connect()
        network.settle()
        #expect(answers == ["success([])", "unavailable"])
        #expect(client.state == .connected)
    }

    private final class Asking: PipeServerDelegate {
        private let ask: (PipeConnection) -> Void

        init(_ ask: @escaping (PipeConnection) -> Void) { self.ask = ask }

        func connectionDidOpen(_ connection: PipeConnection) { ask(connection) }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }

    @Test(arguments: [TransportFaults.none, .bumpy])
    func `messages of all sizes come back whole and in order`(faults: TransportFaults) throws {
        let network = try MemoryNetwork(seed: 3, faults: faults)
        try network.makeServer(at: "echo", delegate: Echo())
        let sent = [0, 1, 5000, 16_384, 70_000, 300_000, 2, 0].enumerated().map { index, size in
            (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ index) }
        }
        let recorder = RecordingDelegate { connection, event in
            guard event == .opened else { return }
            for message in sent { _ = try? connection.send(message) }
        }
        let client = try network.makeClient(to: "echo", delegate: recorder)
        client.connect()
        #expect(network.settle())
        #expect(recorder.messages == sent)
        client.disconnect()
        network.settle()
        #expect(recorder.events.last == .changed(.disconnected))
    }

    @Test func `a peer that does not read is not read from, until there is room again`() throws {
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        let recorder = RecordingDelegate()
        var configuration = PipeClient.Configuration()
        configuration.connection.highWaterMark = 100_000
        configuration.connection.lowWaterMark = 50_000
        let client = try network.makeClient(to: "echo", configuration: configuration, delegate: recorder)
        client.connect()
        network.settle()
        let connection = try #require(client.connection)
        connection.pauseReceiving()
        let block = [UInt8](repeating: 7, count: 10_000)
        var count = 0
        var verdict = PipeConnection.SendVerdict.accepted
        while verdict == .accepted, count < 1000 {
            verdict = try client.send(block)
            network.settle()
            count += 1
        }
        #expect(verdict == .acceptedAboveHighWaterMark)
        // Two sockets' buffers, the server's queue, and our own.
        #expect((100...200).contains(count))
        #expect(recorder.messages.isEmpty)
        connection.resumeReceiving()
        network.settle()
        #expect(recorder.messages.count == count)
        #expect(recorder.events.filter { $0 == .drained }.count == 1)
    }

    @Test func `a break is reported as the kernel reports it`() throws {
        for (isReset, reason) in [(false, DisconnectReason.closedByPeer), (true, .resetByPeer)] {
            // Two messages there and back, in frames of 9 bytes.
            let network = try MemoryNetwork(faults: .none.cut(after: 36, isReset: isReset))
            try network.makeServer(at: "echo", delegate: Echo())
            let recorder = RecordingDelegate()
            let client = try network.makeClient(to: "echo", delegate: recorder)
            client.connect()
            for _ in 0..<3 {
                network.settle()
                _ = try? client.send("hello")
            }
            network.settle()
            #expect(recorder.texts == ["hello", "hello"])
            #expect(recorder.events.contains(.closed(reason)), "\(recorder.events)")
        }
        let network = try MemoryNetwork(faults: .none.cut(after: 7))
        let recorder = RecordingDelegate()
        try network.makeServer(at: "echo", delegate: recorder)
        let client = try network.makeClient(to: "echo", delegate: RecordingDelegate())
        client.connect()
        network.settle()
        try client.send("hello")
        network.settle()
        #expect(recorder.events.suffix(2) == [.opened, .closed(.truncatedByPeer(missingByteCount: 2))])
    }

    @Test func `bytes that were written before the end are read, also where the end is a reset`() throws {
        let network = try MemoryNetwork()
        let server = RecordingDelegate { connection, event in
            guard event == .opened else { return }
            _ = try? connection.send("too late?")
            connection.close()
        }
        try network.makeServer(at: "hasty", delegate: server)
        let recorder = RecordingDelegate { connection, event in
            if event == .opened { _ = try? connection.send("never read") }
        }
        let client = try network.makeClient(to: "hasty", delegate: recorder)
        client.connect()
        network.settle()
        #expect(recorder.texts == ["too late?"])
        #expect(server.messages.isEmpty)
        #expect(server.events.last == .closed(.closedLocally))
    }

    @Test func `names are taken once, and again after their server`() throws {
        let network = try MemoryNetwork()
        let server = try network.makeServer(at: "name", delegate: Echo())
        #expect(throws: PipeError.self) { try network.makeServer(at: "name", delegate: Echo()) }
        let recorder = RecordingDelegate()
        let client = try network.makeClient(to: "nobody", delegate: recorder)
        client.connect()
        network.settle()
        #expect(recorder.events.last == .failedToConnect(.noServer(client.address)))
        server.stop()
        network.settle()
        try network.makeServer(at: "name", delegate: Echo())
    }

    @Test func `a server may turn clients away`() throws {
        let network = try MemoryNetwork()
        var configuration = PipeServer.Configuration()
        configuration.maximumConnectionCount = 1
        let host = RecordingDelegate()
        let server = try network.makeServer(at: "full", configuration: configuration, delegate: host)
        let recorders = [RecordingDelegate(), RecordingDelegate()]
        let clients = try recorders.map { try network.makeClient(to: "full", delegate: $0) }
        for client in clients { client.connect() }
        network.settle()
        #expect(server.connectionCount == 1)
        #expect(host.events.last == .refused(.connectionLimit))
        #expect(recorders[1].events.contains(.closed(.closedByPeer)))
        #expect(clients[0].state == .connected)
    }

    @Test func `the end of the network ends everything on it`() throws {
        weak var reactor: Reactor?
        let host = RecordingDelegate()
        let guest = RecordingDelegate()
        do {
            let network = try MemoryNetwork()
            reactor = network.reactor
            try network.makeServer(at: "host", delegate: host)
            let client = try network.makeClient(to: "host", delegate: guest)
            client.connect()
            network.settle()
        }
        #expect(host.events.last == .stopped)
        #expect(guest.events.last == .changed(.disconnected))
        #expect(reactor == nil)
    }

    @Test func `tasks on the reactor are served, too`() throws {
        let network = try MemoryNetwork()
        let host = RecordingDelegate { connection, event in
            if case .received = event { connection.server?.stop(gracePeriod: .seconds(5)) }
        }
        let server = try network.makeServer(at: "host", delegate: host)
        let client = try network.makeClient(to: "host", delegate: RecordingDelegate())
        client.connect()
        network.settle()
        let sender = try #require(client.connection?.sender)
        let posted = Task(executorPreference: network.reactor.executor) {
            _ = try await sender.send(Array("from a task".utf8))
        }
        network.settle()
        withExtendedLifetime(posted) {}
        #expect(host.texts == ["from a task"])
        #expect(server.isStopped)
        #expect(server.shutdownReport?.duration == .zero)
    }
}
