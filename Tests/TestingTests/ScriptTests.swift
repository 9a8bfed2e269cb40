// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

struct ScriptTests {
    private let exchange = PeerScript([
        .send("hello"), .expect("hello"), .send([]), .send("and again"), .expectMessages(2),
        .expectNothing(for: .milliseconds(20)), .finish, .expectEnd,
    ])

    private func failure(_ steps: [PeerScript.Step]) throws -> ScriptFailure? {
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        return #expect(throws: ScriptFailure.self) { try network.run(PeerScript(steps), against: "echo") }
    }

    @Test func `the same script runs in memory and over a socket`() throws {
        let network = try MemoryNetwork()
        try network.makeServer(at: "echo", delegate: Echo())
        try network.run(exchange, against: "echo")
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "script")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
        try exchange.run(connectingTo: address, on: reactor)
        #expect(server.statistics.receivedMessageCount == 3)
        reactor.stop()
        reactor.run()
    }

    @Test func `a server on another thread is waited for`() throws {
        let address = try PipeAddress.unique(prefix: "script")
        let thread = try ReactorThread { reactor in
            reactor.schedule(after: .milliseconds(20)) {
                _ = try? PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
            }
        }
        try exchange.run(connectingTo: address)
        thread.stop()
        thread.join()
    }

    @Test func `messages arrive whole from pieces of any size`() throws {
        let frames: [UInt8] = [0, 0, 0, 2, 65, 66, 0, 0, 0, 0, 0, 0, 0, 1, 67]
        for size in 1...frames.count {
            let network = try MemoryNetwork()
            let host = RecordingDelegate()
            let server = try network.makeServer(at: "host", delegate: host)
            try network.run(PeerScript([.sendBytes(frames, pieceSize: size)]), against: "host")
            #expect(host.texts == ["AB", "", "C"])
            // A read for each piece, so that they arrive in these pieces.
            #expect(server.statistics.receivedByteCount == frames.count)
            #expect(host.events.last == .closed(.closedByPeer))
        }
    }

    @Test func `a failure names the step and what happened instead`() throws {
        #expect(
            try failure([.send("a"), .expect("b")])?.description == "step 2 of 2, expect \"b\": \"a\" came")
        #expect(
            try failure([.send("a"), .expectMessage("a number") { $0.count > 1 }])?.problem == "\"a\" came")
        #expect(try failure([.send("a"), .expectNothing(for: .seconds(1))])?.problem == "\"a\" came")
        #expect(try failure([.send("a"), .finish, .expectEnd])?.problem == "\"a\" came")
        #expect(
            try failure([.finish, .expect("a")])?.description
                == "step 2 of 2, expect \"a\": the other end has finished")
        #expect(try failure([.expect("a")])?.problem == "still waiting after 60.0 seconds")
        #expect(try failure([.sendBytes([255, 255, 255, 255]), .expectEnd, .expect("a")])?.number == 3)
    }

    @Test func `a missing server is a failure of the first step`() throws {
        let network = try MemoryNetwork()
        let failure = #expect(throws: ScriptFailure.self) { try network.run(exchange, against: "nobody") }
        #expect(failure?.number == 1)
        #expect(failure?.problem.contains("no connection") == true)
    }

    @Test func `a script can also talk to a client`() throws {
        let network = try MemoryNetwork()
        let peer = try network.serve(PeerScript([.expect("question"), .send("answer"), .expectEnd]), at: "oracle")
        let recorder = RecordingDelegate { connection, event in
            if event == .opened { _ = try? connection.send("question") }
            if event == .received("answer") { connection.close() }
        }
        let client = try network.makeClient(to: "oracle", delegate: recorder)
        #expect(throws: ScriptFailure.self) { try peer.check() }
        client.connect()
        network.settle()
        try peer.check()
        #expect(recorder.texts == ["answer"])
    }

    @Test func `a reset is one, in memory and over a socket`() throws {
        let chatty = RecordingDelegate { connection, event in
            if case .received = event { _ = try? connection.send("never read") }
        }
        let script = PeerScript([.send("hello"), .reset(after: .milliseconds(50))])
        let network = try MemoryNetwork()
        try network.makeServer(at: "chatty", delegate: chatty)
        try network.run(script, against: "chatty")
        #expect(chatty.events.last == .closed(.resetByPeer))
        chatty.removeAll()
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "script")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: chatty)
        try script.run(connectingTo: address, on: reactor)
        reactor.run(timeout: .seconds(10)) { server.connectionCount == 0 }
        #expect(chatty.events.last == .closed(.resetByPeer))
        reactor.stop()
        reactor.run()
    }

    @Test func `a peer that does not read makes the other wait`() throws {
        let network = try MemoryNetwork()
        let block = [UInt8](repeating: 1, count: 100_000)
        let flooder = RecordingDelegate { connection, event in
            if event == .opened { for _ in 0..<20 { _ = try? connection.send(block) } }
        }
        try network.makeServer(at: "flooder", delegate: flooder)
        try network.run(PeerScript([.pause(.seconds(5)), .expectMessages(20)]), against: "flooder")
        #expect(flooder.events.contains(.drained))
        #expect(network.clock.elapsed >= .seconds(5))
    }
}
