// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

struct RecordingTests {
    /// A server and a client that sends hello and leaves, both recorded, over a socket.
    private func meet(_ server: RecordingDelegate, _ client: RecordingDelegate) throws {
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "recording")
        let listening = try PipeServer(listeningOn: address, reactor: reactor, delegate: server)
        let caller = PipeClient(address: address, reactor: reactor, delegate: client)
        caller.connect()
        let isOver = reactor.run(timeout: .seconds(10)) {
            client.events.contains(.changed(.idle)) && listening.connectionCount == 0 && !server.events.isEmpty
        }
        #expect(isOver, "recorded: \(server.events), \(client.events)")
        reactor.stop()
        reactor.run()
    }

    @Test func `every callback is there in order`() throws {
        let server = RecordingDelegate { connection, event in
            if case .received(let message) = event { _ = try? connection.send(message) }
        }
        let client = RecordingDelegate { connection, event in
            if event == .opened { _ = try? connection.send("hello") }
            if event == .received("hello") { connection.close() }
        }
        try meet(server, client)
        let id = try #require(server.connectionIDs.first)
        #expect(server.connectionIDs.count == 1)
        #expect(
            server.events(of: id) == [.opened, .received("hello"), .finishedReceiving, .closed(.closedByPeer)])
        if case .asked = server.events.first {} else { Issue.record("not asked first: \(server.events)") }
        #expect(server.events.last == .stopped)
        #expect(
            client.events == [
                .changed(.connecting), .changed(.connected), .opened, .received("hello"), .closed(.closedLocally),
                .changed(.idle), .changed(.disconnected),
            ])
        #expect(client.texts == ["hello"])
        client.removeAll()
        #expect(client.events.isEmpty)
    }

    @Test func `another delegate gets every callback through the recorder`() throws {
        final class Polite: PipeServerDelegate {
            var greeted = 0
            var hasStopped = false

            func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool { peer.processID > 0 }
            func connectionDidOpen(_ connection: PipeConnection) {
                greeted += 1
                _ = try? connection.send("good day")
            }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
            func connectionDidFinishReceiving(_ connection: PipeConnection) {
                _ = try? connection.send("farewell")
                connection.close()
            }
            func serverDidStop(_ server: PipeServer) { hasStopped = true }
        }
        let polite = Polite()
        let client = RecordingDelegate { connection, event in
            if event == .received("good day") { connection.finishSending() }
        }
        try meet(RecordingDelegate(forwardingTo: polite), client)
        #expect(polite.greeted == 1)
        #expect(polite.hasStopped)
        #expect(client.texts == ["good day", "farewell"])
    }

    @Test func `a task waits for an event to come, and only for that`() async throws {
        let recorder = RecordingDelegate()
        let address = try PipeAddress.unique(prefix: "recording")
        let thread = try ReactorThread { reactor in
            _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: recorder)
            PipeClient(
                address: address, reactor: reactor,
                delegate: RecordingDelegate { connection, event in
                    guard event == .opened else { return }
                    for text in ["one", "two", "three"] { _ = try? connection.send(text) }
                    connection.close()
                }
            ).connect()
        }
        try await recorder.wait(for: .received("two"))
        #expect(try await recorder.next() == .received("three"))
        let end = try await recorder.next { if case .closed = $0 { true } else { false } }
        #expect(end == .closed(.closedByPeer))
        thread.stop()
        try await recorder.wait(for: .stopped)
        thread.join()
    }

    @Test func `an event that does not come is reported, with those that came`() async throws {
        let recorder = RecordingDelegate()
        try meet(recorder, RecordingDelegate { connection, event in if event == .opened { connection.close() } })
        let missing = await #expect(throws: RecordingTimeout.self) {
            try await recorder.wait(for: .received("never"), within: .milliseconds(1))
        }
        #expect(missing?.description.contains("no received \"never\" within") == true)
        #expect(missing?.description.contains("opened, finished receiving, closed") == true)
    }

    @Test func `a cancelled wait ends at once`() async throws {
        let waiting = Task { try await RecordingDelegate().wait(for: .stopped, within: .seconds(600)) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }
}
