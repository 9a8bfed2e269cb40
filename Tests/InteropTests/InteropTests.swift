// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// The wire format, tested with the programs that defined it: real clients and a real server in other languages.
@Suite(.serialized)
final class InteropTests {
    let reactor: Reactor

    init() throws { reactor = try Reactor() }

    /// Ends what lives on the reactor.
    deinit {
        reactor.stop()
        reactor.run()
    }

    // MARK: Their clients, our server

    @Test(.requires("python3"))
    func `Python's multiprocessing client gets every message back`() throws {
        try expectEcho("multiprocessing_client.py")
    }

    @Test(.requires("python3"))
    func `Python's multiprocessing client finds an abstract name`() throws {
        try expectEcho("multiprocessing_client.py", at: abstractAddress())
    }

    @Test(.requires("escript"))
    func `Erlang's packet-4 socket gets every message back`() throws {
        try expectEcho("erlang_client.escript")
    }

    @Test(.requires("escript"))
    func `Erlang finds an abstract name`() throws {
        try expectEcho("erlang_client.escript", at: abstractAddress())
    }

    @Test(.requires("node"))
    func `Node gets every message back and sees a clean end`() throws {
        try expectEcho("node_client.mjs")
    }

    @Test(.requires("python3"), arguments: [1, 2, 3])
    func `a stream cut anywhere brings the same messages, and half-closing loses no reply`(seed: Int) throws {
        try expectEcho("raw_client.py", more: ["--seed", "\(seed)"])
    }

    @Test(.requires("python3"))
    func `a client like .NET's on Linux finds its pipe and gets every message back`() throws {
        let name = "interop-\(UInt64.random(in: .min ... .max))"
        let early = try ForeignPeer("dotnet_like_client.py", [name])  // It waits for the server, as .NET does.
        try expect(Corpus.report, at: .dotNet(name)) { early }
    }

    @Test(.requires("nc", "gzip"))
    func `lines come back to nc`() throws { try expectLines(through: "nc") }

    @Test(.requires("socat", "gzip"))
    func `lines come back to socat`() throws { try expectLines(through: "socat") }

    // MARK: Their server, our client

    @Test(.requires("python3"))
    func `Python's multiprocessing listener sends every message back`() throws {
        let address = try PipeAddress.unique(prefix: "interop")
        let peer = try ForeignPeer("multiprocessing_listener.py", ["\(address)"])
        run { peer.output == ["listening"] || peer.hasExited }
        let sender = Sender(Corpus.messages)
        let client = PipeClient(address: address, reactor: reactor, delegate: sender)
        client.connect()
        run { sender.isDone || peer.hasExited }
        client.disconnect()
        run { peer.hasExited }
        #expect(sender.problems == [])
        #expect(sender.isDone)
        peer.expectSuccess(printing: "listening", Corpus.report)
    }

    // MARK: Vocabulary

    private func expectEcho(
        _ script: String, at address: PipeAddress? = nil, more: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let address = try address ?? .unique(prefix: "interop")
        try expect(Corpus.report, at: address, sourceLocation: sourceLocation) {
            try ForeignPeer(script, ["\(address)"] + more)
        }
    }

    private func expectLines(through tool: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let address = try PipeAddress.unique(prefix: "interop")
        let newline = PipeServer.Configuration(framing: DelimiterFraming.newline)
        try expect(Corpus.lineReport, at: address, newline, sourceLocation: sourceLocation) {
            try ForeignPeer("newline_client.sh", [tool, "\(address)"])
        }
    }

    /// Echoes to one peer until it has ended, and expects its report and a clean end on this side.
    private func expect(
        _ report: String, at address: PipeAddress, _ configuration: PipeServer.Configuration = .init(),
        sourceLocation: SourceLocation = #_sourceLocation, from start: () throws -> ForeignPeer
    ) throws {
        let echo = EchoDelegate()
        let server = try PipeServer(
            listeningOn: address, configuration: configuration, reactor: reactor, delegate: echo)
        defer { server.stop() }
        let peer = try start()
        run { peer.hasExited && server.connectionCount == 0 }
        #expect(echo.problems == [], sourceLocation: sourceLocation)
        #expect(echo.ends == [.closedByPeer], sourceLocation: sourceLocation)
        peer.expectSuccess(printing: report, sourceLocation: sourceLocation)
    }

    private func abstractAddress() throws -> PipeAddress {
        try .abstract("interop-\(UInt64.random(in: .min ... .max))")
    }

    /// Runs the loop until the condition holds. The end of a process is no event of the loop, so a timer wakes it.
    private func run(until condition: () -> Bool) {
        let glance = reactor.schedule(after: .zero, repeating: .milliseconds(10)) {}
        defer { glance.cancel() }
        reactor.run(timeout: .seconds(70), until: condition)
    }
}
