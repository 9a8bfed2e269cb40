// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct DemoTests {
    let reactor: Reactor

    init() throws { reactor = try Reactor() }

    @Test func `a short demonstration loses nothing and prints plain lines`() throws {
        let demo = try run(reactor, "demo", "--clients", "20", "--seconds", "0.5")
        #expect(demo.status == 0, "\(demo.lines.joined(separator: "\n"))")
        #expect(!demo.lines.joined().contains("\u{1B}"))
        let lost = try #require(demo.lines.first { $0.hasPrefix("lost") }).split(separator: " ").dropFirst()
        #expect(lost.count >= 2)
        #expect(lost.allSatisfy { $0 == "0" })
        #expect(demo.lines.contains("clients    20 closed by the peer"))
        #expect(demo.lines.contains { $0.hasPrefix("latency p99.9 ") })
    }

    @Test func `an interrupted demonstration ends in order`() throws {
        let demo = try Tool(reactor, ["demo", "--clients", "5", "--seconds", "600"])
        demo.waitFor("messages/s")
        demo.terminate()
        #expect(demo.waitForExit() == 0)
        #expect(demo.text.contains("\nlost "))
    }

    @Test func `a text that cannot be read is a failure`() throws {
        let demo = try run(reactor, "demo", "--text", "/nonexistent/text")
        #expect(demo.status == 1)
        #expect(demo.lines == ["pipectl: no text can be read from /nonexistent/text"])
    }
}
