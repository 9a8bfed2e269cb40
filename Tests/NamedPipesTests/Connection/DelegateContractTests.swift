// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

// Every Recorder of every test checks order, nesting, thread and the single end. These are the sequences themselves.

@Suite struct `The delegate` {
    @Test func `hears of a connection in the promised order`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            raw.peer.writeAll(frame("a") + frame("b"))
            raw.peer.finishWriting()
            try #require(loop.run { raw.recorder.isEverythingClosed })
            #expect(
                raw.recorder.log == [.shouldAccept, .didOpen, .didReceive, .didReceive, .didFinishReceiving, .didClose])
        }
    }

    @Test func `of a client hears of its states around its connection`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            try pair.accepted.close()
            try #require(loop.run { pair.client.state == .idle && pair.atClient.states.count == 3 })
            #expect(pair.atClient.states == [.connecting, .connected, .idle])
            #expect(
                pair.atClient.log == [
                    .didChangeState, .didChangeState, .didOpen, .didFinishReceiving, .didClose, .didChangeState,
                ])
        }
    }

    @Test func `is never called inside a call of the library`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            let before = pair.atServer.log.count + pair.atClient.log.count
            let connection = try pair.connection
            try connection.send(pattern(8 << 20))
            connection.pauseReceiving()
            connection.resumeReceiving()
            try pair.accepted.send("x")
            try pair.accepted.abort()
            connection.close()
            connection.abort()
            pair.client.disconnect()
            pair.server.stop()
            #expect(pair.atServer.log.count + pair.atClient.log.count == before)
            try #require(loop.run { pair.atServer.stopCount == 1 && pair.atClient.states.last == .disconnected })
        }
    }

    @Test func `is held until the server has stopped, and released then`() throws {
        try withLoop { loop in
            weak var released: Recorder?
            var server: PipeServer?
            do {
                let recorder = Recorder(loop.reactor)
                released = recorder
                server = try PipeServer(listeningOn: loop.address, reactor: loop.reactor, delegate: recorder)
            }
            loop.settle()
            #expect(released != nil)
            server?.stop()
            loop.settle()
            #expect(released == nil)
            #expect(server?.isListening == false)
        }
    }

    @Test func `is held until the client is disconnected, and released then`() throws {
        try withLoop { loop in
            weak var released: Recorder?
            var client: PipeClient?
            do {
                let recorder = Recorder(loop.reactor)
                released = recorder
                client = PipeClient(address: loop.address, reactor: loop.reactor, delegate: recorder)
                client?.connect()
            }
            loop.settle()
            #expect(released?.failures == [.noServer(loop.address)])
            client?.disconnect()
            loop.settle()
            #expect(released == nil)
            #expect(client?.state == .disconnected)
        }
    }

    @Test func `and server, client and connections are gone when all has ended`() throws {
        weak var server: PipeServer?
        weak var client: PipeClient?
        weak var accepted: PipeConnection?
        weak var connection: PipeConnection?
        weak var context: Box<Int>?
        weak var reactor: Reactor?
        do {
            let loop = try Loop()
            let pair = try Pair(loop)
            (server, client, accepted, connection) = (pair.server, pair.client, try pair.accepted, try pair.connection)
            let object = Box(0)
            accepted?.context = object
            (context, reactor) = (object, loop.reactor)
            try pair.client.send("one")
            #expect(loop.run { pair.atServer.messageCount == 1 })
            #expect(loop.end() == [])
        }
        #expect(server == nil)
        #expect(client == nil)
        #expect(accepted == nil)
        #expect(connection == nil)
        #expect(context == nil)
        #expect(reactor == nil)
    }

    @Test func `keeps a server alive whose variable was dropped`() throws {
        try withLoop { loop in
            let recorder = try loop.server().1
            let peer = try RawPeer(connectingTo: loop.address)
            peer.writeAll(frame("still here"))
            #expect(loop.run { recorder.texts == ["still here"] })
        }
    }
}

@Suite struct `A process that served` {
    @Test func `has no more descriptors than before`() async {
        await #expect(processExitsWith: .success) { try serveAndCountDescriptors() }
    }
}

// The work of a child process. A separate function, because in the macro's closure this crashes the 6.3.1 compiler.
private func serveAndCountDescriptors() throws {
    let before = openDescriptors()
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        for round in 1...20 {
            let peers = try (0..<20).map { _ in try RawPeer(connectingTo: loop.address) }
            try #require(loop.run { recorder.openCount == 20 * round })
            peers.forEach { $0.writeAll(frame("x")) }
            try #require(loop.run { recorder.messageCount == 20 * round })
            peers.forEach { $0.close() }
            try #require(loop.run { recorder.reasons.count == 20 * round })
        }
        let (client, atClient) = loop.client()
        try #require(loop.run { atClient.openCount == 1 })
        client.disconnect()
        server.stop()
    }
    // The testing library opens descriptors of its own at any time: an epoll, a file.
    let after = openDescriptors().filter { !before.contains($0) }
    #expect(after.filter { $0.hasPrefix("socket:") || $0.contains("inotify") || $0.contains("/test-") } == [])
    #expect(after.count < 4)
}
