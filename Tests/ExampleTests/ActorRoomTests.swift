// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

struct ActorRoomTests {
    private let stage: Stage
    private let room: Example

    init() throws {
        stage = try Stage()
        room = try stage.start("ActorRoom")
    }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }

    private func visitor() throws -> Visitor {
        let visitor = try Visitor(to: address, on: reactor, framing: DelimiterFraming.newline)
        #expect(try visitor.messages(1) == ["* what is your name?"])
        return visitor
    }

    private func guest(_ name: String, after history: [String] = []) throws -> Visitor {
        let visitor = try visitor()
        try visitor.send(name)
        let lines = ["* what is your name?"] + history + ["* welcome, \(name); /who says who is here"]
        #expect(try visitor.messages(lines.count) == lines)
        return visitor
    }

    @Test func `what one guest says the others read, and a later guest reads it as well`() throws {
        let ada = try guest("Ada")
        let grace = try guest("Grace")
        #expect(try ada.messages(3).last == "* Grace has come")
        try ada.send("hello")
        #expect(try grace.messages(3).last == "Ada: hello")
        try grace.send("good day")
        #expect(try ada.messages(4).last == "Grace: good day")
        let late = try guest("Edsger", after: ["Ada: hello", "Grace: good day"])
        try late.send("/who")
        #expect(try late.messages(5).last == "* here: Ada, Edsger, Grace")
    }

    @Test func `a name is one guest's, and free when the guest has gone`() throws {
        let ada = try guest("Ada")
        let grace = try guest("Grace")
        let other = try visitor()
        try other.send("Ada")
        try other.send("12")
        try other.send("Adele")
        let answers = [
            "* Ada is already here; who are you?", "* a name has letters", "* welcome, Adele; /who says who is here",
        ]
        #expect(try other.messages(4).dropFirst() == answers[...])
        ada.connection?.abort()
        #expect(try grace.messages(4).suffix(2) == ["* Adele has come", "* Ada has gone"])
        _ = try guest("Ada")
    }

    /// `nc -C` sends CR LF, and a line may contain anything.
    @Test func `a line is the same with a carriage return, and cannot control a terminal`() throws {
        let ada = try visitor()
        try ada.send("Ada\r")
        #expect(try ada.messages(2).last == "* welcome, Ada; /who says who is here")
        try ada.send("/who\r")
        #expect(try ada.messages(3).last == "* here: Ada")
        let grace = try guest("Grace")
        try ada.send("\u{1B}[2Jhello\u{9B}\r")
        #expect(try grace.messages(3).last == "Ada: [2Jhello")
    }

    @Test func `it ends on SIGTERM, and its guests with it`() throws {
        let ada = try guest("Ada")
        room.signal(SIGTERM)
        #expect(try ada.reasonOfEnd() == .closedByPeer)
        #expect(try room.exitStatus() == 0)
    }
}
