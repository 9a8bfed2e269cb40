// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

@testable import KeyValue

/// Any stream is cut into commands, each of which the database takes and answers: once, in one whole reply, and never
/// by ending the process.
func executeCommands(_ input: inout Input) {
    let cuts = input.bytes(4).map(Int.init)
    let stream = input.rest()
    let whole = RequestFraming().outcome(of: stream)
    let positions = cuts.map { stream.isEmpty ? 0 : $0 * stream.count / 256 }.sorted()
    require(RequestFraming().outcome(of: stream, cutAt: positions) == whole, "cut at \(positions)")
    require(whole.error == nil, "an error that cannot be answered")
    var database = Database()
    for message in whole.messages {
        let outcome = database.execute(message.span)
        var reader = ReplyReader(database.reply.array)
        while !reader.isAtEnd { reader.readReply() }
        require(reader.count <= 1, "\(reader.count) replies to one command")
        require(reader.count == 1 || outcome == .goesOn, "an end without a word")
        require(!reader.isCutShort, "the framing has delivered a part of a command")
        database.clearReply()
        if outcome == .closes { break }
    }
}

/// Reads as a client would: complete replies in either version of the protocol.
private struct ReplyReader {
    private var rest: ArraySlice<UInt8>
    /// The number of whole replies.
    private(set) var count = 0
    private(set) var isCutShort = false

    init(_ reply: [UInt8]) { rest = reply[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func readReply() {
        readValue()
        count += 1
    }

    private mutating func readValue() {
        let line = readLine()
        let number = Int(String(decoding: line.dropFirst(), as: UTF8.self))
        switch line.first {
        case UInt8(ascii: "+"), UInt8(ascii: "_"): break
        case UInt8(ascii: "-"):
            isCutShort = isCutShort || line.elementsEqual("-ERR Protocol error: request cut short".utf8)
        case UInt8(ascii: ":"): require(number != nil, "no number")
        case UInt8(ascii: "$"): if number != -1 { readString(number) }
        case UInt8(ascii: "*"): if number != -1 { readValues(number) }
        case UInt8(ascii: "%"): readValues(number.map { $0 * 2 })
        default: fail("no reply begins like this: \(line)")
        }
    }

    private mutating func readValues(_ count: Int?) {
        guard let count, count >= 0 else { fail("an array without a count") }
        for _ in 0..<count { readValue() }
    }

    private mutating func readString(_ count: Int?) {
        guard let count, count >= 0, rest.count >= count + 2 else { fail("a string without its bytes") }
        rest = rest.dropFirst(count)
        require(readLine().isEmpty, "a string that is longer than it says")
    }

    /// Up to the line end, which is consumed as well.
    private mutating func readLine() -> ArraySlice<UInt8> {
        guard let end = rest.firstIndex(of: 0x0D), rest[end...].dropFirst().first == 0x0A else {
            fail("a line without its end: \(rest)")
        }
        defer { rest = rest[end...].dropFirst(2) }
        return rest[..<end]
    }
}
