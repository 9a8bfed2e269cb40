// SPDX-License-Identifier: Apache-2.0
import BrokerTestSupport
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct RelayTests: StagedSuite {
    let stage: Stage
    private let door = freshName()

    init() throws { stage = try Stage() }

    @Test func `bytes pass both ways, in any framing, and so does the end`() throws {
        let server = try serve(reactor, "echo", name, "--framing", "newline")
        let relay = try serve(reactor, "relay", door, "--to", name)
        let talk = try run(reactor, "connect", door, "--framing", "newline", input: "one\n\ntwo")
        #expect(talk.lines == ["one", "", "two"])
        #expect(talk.status == 0)
        relay.terminate()
        #expect(relay.waitForExit() == 0)
        #expect(relay.text.contains("stopped after 1 connection (1 closed "))
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 1 connection (1 closed by the peer), 3 messages"))
    }

    @Test func `a relay to itself is a wrong command line`() throws {
        let relay = try Tool(reactor, ["relay", door, "--to", door], assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(relay.waitForExit() == 2)
        #expect(relay.text.contains("--to is the address of this relay itself"), "\(relay.text)")
    }

    @Test func `a name is the same however its directory is spelled`() throws {
        let directory = try Directory()
        let link = directory.path + "/link"
        #expect(unsafe symlink(directory.path, link) == 0)
        func destination(_ path: String) throws -> Destination { .local(try .path(path)) }
        let name = try destination(directory.path + "/name")
        for other in ["/link/name", "/link/link/name"] {
            #expect(try name.isSame(as: destination(directory.path + other)), "\(other)")
        }
        #expect(try !name.isSame(as: destination(directory.path + "/other")))
        #expect(try !name.isSame(as: .local(.abstract("name"))))
        #expect(try Destination.local(.abstract("name")).isSame(as: .local(.abstract("name"))))
    }

    @Test func `what a client has sent arrives, although it does not wait for the answers`() throws {
        let server = try serve(reactor, "echo", name)
        let relay = try serve(reactor, "relay", door, "--to", name)
        let line = String(repeating: "x", count: 1000)
        let sent = try run(
            reactor, "send", door, input: Array(repeating: line, count: 10_000).joined(separator: "\n"))
        #expect(sent.status == 0)
        // The relay finishes what is under way before it stops, and so does the server.
        relay.terminate()
        #expect(relay.waitForExit() == 0)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("10,000 messages, 10.0 MB"))
    }

    @Test func `a client whose server is not there is disconnected, and the operator told`() throws {
        let relay = try serve(reactor, "relay", door, "--to", name)
        let client = try run(reactor, "send", door, "--reply", "x")
        #expect(client.status == 1)
        relay.waitFor("no server at \(name)")
    }

    @Test func `a client of a server that dies learns it, after what the server had sent`() throws {
        let server = try serve(reactor, "serve", name, "--framing", "newline", "--exec", "echo last; exec sleep 1000")
        let relay = try serve(reactor, "relay", door, "--to", name)
        let client = try Tool(reactor, ["connect", door, "--framing", "newline"])
        client.waitFor("last\n")
        server.signal(9)
        client.waitFor("closed by the server")
        #expect(client.waitForExit() == 0)
        _ = relay
    }

    #if NATS
    @Test(.requiresBroker, arguments: [true, false])
    func `local clients reach a far server, and far clients a local one`(_ isServerFar: Bool) throws {
        let starting = try Loop()
        let broker = try Broker(starting)
        let far = "\(broker.url)/name"
        let (place, entrance) = isServerFar ? (far, door) : (name, far)
        let server = try serve(reactor, "echo", place)
        let relay = try serve(reactor, "relay", entrance, "--to", place)
        let lines = (1...20_000).map { "\($0) \(String(repeating: ".", count: 100))" }
        let talk = try run(reactor, "connect", entrance, input: lines.joined(separator: "\n"))
        #expect(talk.lines == lines)
        #expect(talk.status == 0)
        relay.terminate()
        #expect(relay.waitForExit() == 0)
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("20,000 messages"))
        #expect(starting.end() == [])
    }

    @Test(.requiresBroker) func `a far server that stops is lost for its clients, and another one serves the next`()
        throws
    {
        let starting = try Loop()
        let broker = try Broker(starting)
        let far = "\(broker.url)/name"
        let first = try serve(reactor, "echo", far)
        let relay = try serve(reactor, "relay", door, "--to", far)
        let client = try Tool(reactor, ["connect", door])
        client.write("x\n")
        client.waitFor("x\n")
        let second = try serve(reactor, "echo", far)
        first.signal(2)
        client.waitFor("closed by the server")
        #expect(first.waitForExit() == 0)
        #expect(try run(reactor, "send", door, "--reply", "y").lines == ["y"])
        _ = (relay, second)
        #expect(starting.end() == [])
    }
    #endif
}
