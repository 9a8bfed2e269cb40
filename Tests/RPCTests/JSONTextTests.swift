// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipesRPC
import Testing

@Suite struct `JSON text` {
    @Test(arguments: [
        "0", "-0", "10", "-1.5e+10", "1E-2", "\"\"", "\"\\u00e9\\ud83d\\ude00 é\"", "true", "false", "null", "[]", "{}",
        " [ 1 , { \"a\" : [ ] } ] ", "{\"a\":1,\"b\":[true,null]}",
    ])
    func `is accepted unchanged`(text: String) throws {
        #expect(try JSONText(text).description == text)
        #expect(try JSONText(text).bytes == Array(text.utf8))
    }

    @Test(arguments: [
        ("", JSONSyntaxError.unexpectedEnd), ("[1", .unexpectedEnd), ("\"a", .unexpectedEnd), ("tr", .unexpectedEnd),
        ("-", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("+1", .unexpectedByte(offset: 0)),
        ("01", .unexpectedByte(offset: 1)), (".5", .unexpectedByte(offset: 0)), ("1 1", .unexpectedByte(offset: 2)),
        ("[1,]", .unexpectedByte(offset: 3)), ("{1:2}", .unexpectedByte(offset: 1)),
        ("\"\n\"", .unexpectedByte(offset: 1)), ("\"\\a\"", .unexpectedByte(offset: 2)),
        ("\"\\u00g0\"", .unexpectedByte(offset: 5)), ("trux", .unexpectedByte(offset: 3)),
        ("[[1]", .unexpectedEnd), ("\u{FEFF}1", .unexpectedByte(offset: 0)), ("NaN", .unexpectedByte(offset: 0)),
    ])
    func `names its error and where it is`(text: String, error: JSONSyntaxError) {
        #expect(throws: error) { try JSONText(text) }
    }

    @Test func `has a limit of depth`() throws {
        #expect(throws: JSONSyntaxError.tooDeep(limit: 2)) { try JSONText(Array("[[[]]]".utf8), depthLimit: 2) }
        #expect(try JSONText(Array("[[],[[]]]".utf8), depthLimit: 3).description == "[[],[[]]]")
        #expect(throws: JSONSyntaxError.notUTF8) { try JSONText([0x22, 0xFF, 0x22]) }
    }

    @Test func `agrees with Foundation on what is JSON`() {
        // Every text of up to four of these bytes.
        let alphabet = Array("[]{}\":,0-.eE1tn \\u".utf8)
        var disagreements: [String] = []
        var texts: [[UInt8]] = [[]]
        for _ in 0..<3 {
            texts = texts.flatMap { text in alphabet.map { text + [$0] } }
            for text in texts {
                let ours = (try? JSONText(text)) != nil
                let theirs = (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
                if ours != theirs { disagreements.append(String(decoding: text, as: UTF8.self)) }
            }
        }
        #expect(disagreements == [])
    }

    @Test(arguments: ["", "a", "\"", "\\", "\u{0}\u{1F}\n\t", "é😀", "/"])
    func `quotes what Foundation reads`(string: String) throws {
        let id = JSONRPCID.string(string)
        #expect(try JSONText(id.description).decode(as: String.self) == string)
        #expect(try JSONText(encoding: id).decode(as: JSONRPCID.self) == id)
    }

    @Test func `ids are values`() throws {
        #expect(try JSONText("5").decode(as: JSONRPCID.self) == 5)
        #expect(try JSONText("\"5\"").decode(as: JSONRPCID.self) == "5")
        #expect(try JSONText("null").decode(as: JSONRPCID.self) == .null)
        #expect(try JSONText(encoding: JSONRPCID.null).description == "null")
        #expect(try JSONText(encoding: JSONRPCID.otherNumber(JSONText("1.5"))).description == "1.5")
        #expect(JSONRPCID("a").description == "\"a\"")
        #expect(throws: DecodingError.self) { try JSONText("[]").decode(as: JSONRPCID.self) }
    }
}
