// SPDX-License-Identifier: Apache-2.0
import BrokerTestSupport
import NamedPipes
import PipeTestSupport
import Testing

#if NATS
import NamedPipesNATS
import NamedPipesRPC

@Suite(.requiresBroker, .timeLimit(.minutes(5)))
struct BrokerTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// Starts a broker, and passes its URL with a name behind it.
    private func withBroker(_ options: [String] = [], _ body: (String) throws -> Void) throws {
        let starting = try Loop()
        let broker = try Broker(starting, options)
        let outcome = Result { try body("\(broker.url)/name") }
        #expect(starting.end() == [])
        try outcome.get()
    }

    @Test(arguments: [[], ["--async"]])
    func `echo serves a name there, and send and connect reach it`(_ options: [String]) throws {
        try withBroker { address in
            let server = try Tool(reactor, ["echo", address] + options)
            server.waitFor("listening on \(address)\n")
            let sent = try run(reactor, "send", address, "--reply", "hello", "two words", "")
            #expect(sent.lines == ["hello", "two words", ""])
            #expect(sent.status == 0)
            let talk = try run(reactor, "connect", address, input: "a\nb")
            #expect(talk.lines == ["a", "b"])
            #expect(talk.status == 0)
            server.terminate()
            #expect(server.waitForExit() == 0)
            #expect(server.text.contains("stopped after 2 connections (2 closed by the peer), 5 messages, 16 B"))
        }
    }

    @Test func `a long input arrives whole and in order`() throws {
        try withBroker { address in
            let listener = try serve(reactor, "listen", address)
            let padding = String(repeating: ".", count: 200)
            let expected = (1...20_000).map { "\($0) \(padding)" }
            let sent = try run(reactor, "send", address, input: expected.joined(separator: "\n"))
            #expect(sent.status == 0)
            #expect(sent.lines == [])
            listener.waitFor("\n20000 \(padding)\n")
            #expect(Array(listener.lines.dropFirst()) == expected)
        }
    }

    @Test func `call asks a command that serve runs`() throws {
        try withBroker { address in
            let answer = #"sed -u 's/.*"id":\([0-9]*\).*/{"jsonrpc":"2.0","id":\1,"result":[42]}/'"#
            let server = try serve(reactor, "serve", address, "--framing", "newline", "--exec", answer)
            let done = try run(reactor, "call", address, "answer", "--framing", "newline")
            #expect(done.lines == ["[42]"])
            #expect(done.status == 0)
            let noted = try run(reactor, "call", address, "answer", "--framing", "newline", "--notify")
            #expect(noted.lines == [])
            #expect(noted.status == 0)
            _ = server
        }
    }

    @Test func `call asks a service where there is no server that takes sessions`() throws {
        try withBroker { address in
            let place = try NATSAddress(parsing: address)
            let link = try NATSLink(servers: [place.server], reactor: reactor)
            var methods = JSONRPCMethods()
            methods.handle("add") { (numbers: [Int], _) in numbers.reduce(0, +) }
            try link.serve(methods, at: place.name)
            var isServing = false
            link.whenReadByBroker { isServing = true }
            try #require(reactor.run(timeout: Loop.patience) { isServing })
            let sum = try run(reactor, "call", address, "add", "[40, 2]")
            #expect(sum.lines == ["42"] && sum.status == 0)
            let wrong = try run(reactor, "call", address, "subtract")
            #expect(wrong.status == 1 && wrong.lines.first?.contains("-32601") == true)
            // Nothing says that a notification has arrived.
            #expect(try run(reactor, "call", address, "add", "[1]", "--notify").status == 1)
            link.close()
            try #require(reactor.run(timeout: Loop.patience) { link.state == .closed })
        }
    }

    @Test func `stat opens a session, and says what the server calls itself`() throws {
        try withBroker { address in
            let server = try serve(reactor, "echo", address)
            let shown = try run(reactor, "stat", address)
            #expect(shown.lines.first == address)
            #expect(shown.lines.contains { $0.contains(#"calls itself "pipectl""#) })
            let json = try run(reactor, "stat", address, "--json")
            #expect(json.lines.first?.contains(#""claimedName":"pipectl""#) == true)
            server.terminate()
            #expect(server.waitForExit() == 0)
            #expect(try run(reactor, "stat", address).status == 1)
        }
    }

    @Test func `what fails has a reason, and its status`() throws {
        try withBroker { address in
            let lonely = try run(reactor, "send", address, "x")
            #expect(lonely.status == 1)
            #expect(lonely.lines.first?.contains("no server at ") == true)
            #expect(try run(reactor, "call", address, "x", "--wait", "--timeout", "50ms").status == 3)
            for wrong in [["echo", address, "--take-over"], ["echo", address, "--stat"], ["send", "nats://x", "y"]] {
                #expect(try Tool(reactor, wrong, assignment: "ASAN_OPTIONS=detect_leaks=0").waitForExit() == 2)
            }
        }
    }

    @Test func `send waits for its server`() throws {
        try withBroker { address in
            let sender = try Tool(reactor, ["send", address, "--wait", "--timeout", "60", "--reply", "early"])
            let server = try serve(reactor, "echo", address)
            #expect(sender.waitForExit() == 0)
            #expect(sender.lines == ["early"])
            _ = server
        }
    }

    @Test(arguments: ["echo", "listen", "stat"])
    func `a broker that is not there is 1, for servers as well`(_ command: String) throws {
        // A port at which nothing listens: it is bound, by us.
        let taken = try BoundPort()
        let done = try run(reactor, command, "nats://127.0.0.1:\(taken.number)/name")
        #expect(done.status == 1)
        #expect(done.lines == ["pipectl: no NATS server answers"])
    }

    @Test func `the environment has the password, as for NATS's own tool`() throws {
        try withBroker(["--user", "ann", "--pass", "secret"]) { address in
            let refused = try Tool(reactor, ["echo", address], assignment: "NATS_USER=ann NATS_PASSWORD=wrong")
            #expect(refused.waitForExit() == 1)
            #expect(refused.lines == ["pipectl: the NATS server refuses the credentials"])
            let login = "NATS_USER=ann NATS_PASSWORD=secret"
            let server = try Tool(reactor, ["echo", address], assignment: login)
            server.waitFor("listening on ")
            let sender = try Tool(reactor, ["send", address, "--reply", "in"], assignment: login)
            #expect(sender.waitForExit() == 0)
            #expect(sender.lines == ["in"])
        }
    }
}
#else
@Suite(.timeLimit(.minutes(5)))
struct BrokerTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test(arguments: [["echo"], ["listen"], ["send"], ["connect"], ["stat"]])
    func `without the trait NATS, an address at a broker says what is missing`(_ command: [String]) throws {
        let tool = try Tool(
            reactor, command + ["nats://127.0.0.1/name"], assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2)
        #expect(tool.text.contains("the trait NATS"))
    }
}
#endif
