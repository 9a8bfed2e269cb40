// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

/// Errors of the library itself, which no delegate can bring about.
struct CallbackContractTests {
    private func ids() throws -> [PipeConnection.ID] {
        let network = try MemoryNetwork()
        let recorder = RecordingDelegate()
        try network.makeServer(at: "ids", delegate: recorder)
        let clients = try (0..<2).map { _ in try network.makeClient(to: "ids", delegate: RecordingDelegate()) }
        for client in clients { client.connect() }
        network.settle()
        return recorder.connectionIDs
    }

    /// The problems of a sequence of callbacks.
    private func problems(_ callbacks: [CallbackContract.Callback]) -> [String] {
        var contract = CallbackContract()
        return callbacks.compactMap { callback in
            defer { contract.end() }
            return contract.begin(callback)
        }
    }

    @Test func `the legal order is legal`() throws {
        let ids = try ids()
        let (a, b) = (ids[0], ids[1])
        #expect(
            problems([
                .other, .opened(a), .received(a), .opened(b), .drained(a), .received(a), .finishedReceiving(a),
                .drained(a), .closed(a), .received(b), .closed(b), .stopped(connectionCount: 0),
            ]).isEmpty)
    }

    @Test func `a callback out of order is reported`() throws {
        let a = try ids()[0]
        #expect(problems([.opened(a), .opened(a)]) == ["a connection opened twice"])
        #expect(problems([.received(a)]) == ["a message while the connection is unknown"])
        #expect(
            problems([.opened(a), .finishedReceiving(a), .received(a)])
                == ["a message while the connection is finished"])
        #expect(
            problems([.opened(a), .finishedReceiving(a), .finishedReceiving(a)])
                == ["the peer's finish while the connection is finished"])
        #expect(problems([.opened(a), .closed(a), .drained(a)]) == ["a drain while the connection is closed"])
        #expect(
            problems([.opened(a), .failedSending(a), .failedSending(a), .drained(a), .received(a), .closed(a)])
                == ["the output's failure twice", "a drain after the output has failed"])
        #expect(
            problems([.opened(a), .closed(a), .failedSending(a)])
                == ["the output's failure while the connection is closed"])
        #expect(problems([.opened(a), .closed(a), .closed(a)]) == ["an end while the connection is closed"])
        #expect(problems([.stopped(connectionCount: 1)]) == ["the server's stop with 1 connections"])
        #expect(
            problems([.stopped(connectionCount: 0), .other, .stopped(connectionCount: 0)])
                == ["a callback of a server that has stopped", "the server's stop twice"])
    }

    @Test func `a client's states are each reported once, and none after the last`() throws {
        let client = ObjectIdentifier(RecordingDelegate())
        #expect(
            problems([.changed(client, .connecting), .changed(client, .connecting)]) == ["the state connecting twice"])
        #expect(
            problems([.changed(client, .disconnected), .changed(client, .idle)]) == ["idle after the client was done"])
    }

    @Test func `a callback inside another is reported`() throws {
        let a = try ids()[0]
        var contract = CallbackContract()
        #expect(contract.begin(.opened(a)) == nil)
        #expect(contract.begin(.received(a)) == "a callback inside another")
        contract.end()
        contract.end()
        #expect(contract.begin(.received(a)) == nil)
        contract.end()
        #expect(contract.openConnections == [a])
    }
}
