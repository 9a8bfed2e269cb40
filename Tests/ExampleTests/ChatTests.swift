// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

struct ChatTests {
    private let stage: Stage
    private let room: Example

    init() throws {
        stage = try Stage()
        room = try stage.start("Chat")
    }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }

    /// A visitor who has sent its name and was admitted.
    private func member(_ nickname: String) throws -> Visitor {
        let visitor = try Visitor(to: address, on: reactor)
        try visitor.send(nickname)
        #expect(try visitor.messages(1) == ["* \(nickname) joined"])
        return visitor
    }

    @Test func `what one visitor says the others read, and it is not read back`() throws {
        let ada = try member("Ada")
        let grace = try member("Grace")
        try ada.send("hello")
        #expect(try grace.messages(2) == ["* Grace joined", "Ada: hello"])
        try grace.send("hello, Ada")
        #expect(try ada.messages(3) == ["* Ada joined", "* Grace joined", "Grace: hello, Ada"])
    }

    @Test func `a visitor without a name hears nothing`() throws {
        let silent = try Visitor(to: address, on: reactor)
        let ada = try member("Ada")
        let grace = try member("Grace")
        try ada.send("is anybody else here?")
        #expect(try grace.messages(2).last == "Ada: is anybody else here?")
        // Answers come in order: had the silent visitor been told any of this, it would come before this answer.
        try silent.send("Ada")
        #expect(try silent.messages(1) == ["! the name 'Ada' is not available"])
    }

    @Test func `a new nickname is announced to all, and so is a visitor's leaving`() throws {
        let ada = try member("Ada")
        let grace = try member("Grace")
        try grace.send("/nick Admiral")
        #expect(try ada.messages(3).last == "* Grace is now Admiral")
        try grace.send("/nick Ada")
        #expect(try grace.messages(3).last == "! the name 'Ada' is not available")
        grace.connection?.close()
        #expect(try ada.messages(4).last == "* Admiral left")
    }

    @Test func `the client sends what is typed and shows what is said`() throws {
        let ada = try member("Ada")
        let grace = try Example("Chat", address.description, "Grace", on: reactor)
        try grace.waitForLine("* Grace joined")
        try grace.type("typed line")
        #expect(try ada.messages(3).last == "Grace: typed line")
        try ada.send("\u{1B}[31mred\u{7}")
        try grace.waitForLine("Ada: [31mred")
        try grace.endInput()
        #expect(try grace.exitStatus() == 0)
        #expect(try ada.messages(4).last == "* Grace left")
    }

    @Test func `piped input is sent before the client leaves`() throws {
        let ada = try member("Ada")
        let grace = try Example("Chat", address.description, "Grace", on: reactor)
        for number in 1...100 { try grace.type("line \(number)") }
        try grace.endInput()
        let expected = ["* Grace joined"] + (1...100).map { "Grace: line \($0)" } + ["* Grace left"]
        #expect(try ada.messages(103).dropFirst() == expected[...])
        #expect(try grace.exitStatus() == 0)
    }

    @Test func `both ends stop on a signal`() throws {
        let ada = try member("Ada")
        let grace = try Example("Chat", address.description, "Grace", on: reactor)
        try grace.waitForLine("* Grace joined")
        grace.signal(SIGINT)
        #expect(try grace.exitStatus() == 0)
        #expect(try ada.messages(3).last == "* Grace left")
        room.signal(SIGTERM)
        #expect(try room.exitStatus() == 0)
        #expect(try ada.reasonOfEnd() == .closedByPeer)
    }
}
