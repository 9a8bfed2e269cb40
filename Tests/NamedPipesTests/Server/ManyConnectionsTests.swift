// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `As many connections as there are descriptors` {
    /// 9,900 where a process may have 20,000 descriptors, because here both ends are in one process.
    @Test func `are served, do not slow one another down, and leave nothing behind`() async {
        await #expect(processExitsWith: .success) { try serveAtTheLimit() }
    }
}

private func serveAtTheLimit() throws {
    let count = min(raisedDescriptorLimit() / 2 - 100, 20_000)
    try #require(count > 400)
    let before = openDescriptors().count
    try withLoop { loop in
        let crowd = try Crowd(loop, count)
        #expect(crowd.server.connectionCount == count)
        #expect(openDescriptors().count >= before + 2 * count)

        // Every client asks once, all at the same time.
        for connection in crowd.atClients.connections { try connection.send("question") }
        try #require(loop.run { crowd.atClients.messageCount == count })
        #expect(crowd.recorder.messageCount == count)

        // One client goes on asking, beside all the others, which are idle: the cost does not depend on their number.
        let active = try #require(crowd.atClients.connections.first)
        let besideAll = try Cost(of: 500, on: active, crowd, loop)
        for connection in crowd.atClients.connections.dropFirst(count / 10) { connection.close() }
        try #require(loop.run { crowd.server.connectionCount == count / 10 })
        let besideFew = try Cost(of: 500, on: active, crowd, loop)
        #expect(besideAll.turns <= besideFew.turns + 50)
        #expect(besideAll.time < besideFew.time * 4)

        crowd.server.stop()
        try #require(loop.run { crowd.recorder.stopCount == 1 && crowd.atClients.reasons.count == count })
        #expect(crowd.recorder.reasons.count == count)
        crowd.clients.forEach { $0.disconnect() }
    }
    #expect(openDescriptors().count <= before + 3)
}

/// A server that answers, and its clients, all of them connected.
private struct Crowd {
    let server: PipeServer
    let recorder: Recorder
    let clients: [PipeClient]
    let atClients: Recorder

    init(_ loop: Loop, _ count: Int) throws {
        (server, recorder) = try loop.server()
        recorder.keepsMessages = false
        recorder.whenReceived = { connection, _ in _ = try? connection.send("answer") }
        let atClients = loop.recorder()
        atClients.keepsMessages = false
        self.atClients = atClients
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = Loop.patience
        // In batches that fit into the queue of the server's socket.
        var clients: [PipeClient] = []
        while clients.count < count {
            for _ in 0..<min(1000, count - clients.count) { clients.append(loop.client(configuration, atClients).0) }
            let (recorder, expected) = (recorder, clients.count)
            try #require(loop.run { recorder.openCount == expected && atClients.openCount == expected })
        }
        self.clients = clients
    }
}

/// The time until one connection has had this many answers, each to a question of its own.
private struct Cost {
    let turns: Int
    let time: Duration

    init(of questions: Int, on connection: PipeConnection, _ crowd: Crowd, _ loop: Loop) throws {
        let before = threadTime()
        var turns = 0
        for _ in 0..<questions {
            let expected = crowd.atClients.messageCount + 1
            try connection.send("question")
            try #require(
                loop.run {
                    turns += 1
                    return crowd.atClients.messageCount == expected
                })
        }
        self.turns = turns
        time = threadTime() - before
    }
}

/// Allows as many descriptors as this process may have.
func raisedDescriptorLimit() -> Int {
    // 7: RLIMIT_NOFILE, an enumeration in the header.
    var limit = rlimit()
    guard unsafe getrlimit(7, &limit) == 0 else { return 0 }
    limit.rlim_cur = limit.rlim_max
    guard unsafe setrlimit(7, &limit) == 0 else { return 0 }
    return Int(clamping: limit.rlim_cur)
}
