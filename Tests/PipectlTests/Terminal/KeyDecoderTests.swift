// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import pipectl

struct KeyDecoderTests {
    @Test(
        arguments: [
            ("a", [.scalar("a")]), ("é漢🙂", [.scalar("é"), .scalar("漢"), .scalar("🙂")]), ("\r\n", [.enter, .enter]),
            ("\u{7F}\u{8}", [.backspace, .backspace]), ("\t", [.scalar("\t")]),
            ("\u{1}\u{1C}", [.control("A"), .control("\\")]),
            ("\u{1B}[A\u{1B}OB", [.up, .down]), ("\u{1B}[3~\u{1B}[1~\u{1B}[F", [.delete, .home, .end]),
            ("\u{1B}[1;5C\u{1B}b", [.wordRight, .wordLeft]),
            // Without a meaning: a function key, a report of the focus, Alt-x; and what follows is a key again.
            ("\u{1B}[15~x\u{1B}[Ix\u{1B}xx", [.scalar("x"), .scalar("x"), .scalar("x")]),
            // F1 and F5 of the Linux console.
            ("\u{1B}[[Ax\u{1B}[[Ex", [.scalar("x"), .scalar("x")]),
            // Escape before another key: only a letter makes a combination of it.
            ("\u{1B}\u{1B}xx", [.scalar("x")]), ("\u{1B}\u{1B}[Ax", [.up, .scalar("x")]),
            ("\u{1B}\r\u{1B}[\u{4}\u{1B}[12\u{1B}[B", [.enter, .control("D"), .down]),
        ] as [(String, [Key])])
    func `understands what terminals send, in any division`(_ text: String, _ keys: [Key]) {
        var whole = KeyDecoder()
        #expect(whole.append(text.utf8) == keys)
        var piecewise = KeyDecoder()
        #expect(text.utf8.flatMap { piecewise.append(CollectionOfOne($0)) } == keys)
    }

    @Test func `ignores bytes that are no text, and sequences without an end`() {
        var decoder = KeyDecoder()
        #expect(decoder.append([0xFF, 0x80, UInt8(ascii: "a")]) == [.scalar("a")])
        #expect(decoder.append("\u{1B}[123456789;123456789;123456789;".utf8) == [])
        #expect(decoder.append([UInt8(ascii: "b")]) == [.scalar("b")])
    }
}
