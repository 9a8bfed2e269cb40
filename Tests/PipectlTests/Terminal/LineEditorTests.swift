// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import pipectl

struct LineEditorTests {
    private var editor = LineEditor()

    /// Presses keys as a terminal sends them.
    @discardableResult
    private mutating func type(_ text: String) -> [LineEditor.Effect] {
        var decoder = KeyDecoder()
        return decoder.append(text.utf8).map { editor.press($0) }.filter { $0 != .none }
    }

    /// The line, with a bar at the cursor.
    private var line: String { editor.before + "|" + editor.after }

    @Test(arguments: [
        // Ctrl-A, Ctrl-E, Ctrl-B, Ctrl-F, and more steps than there are characters.
        ("bc\u{1}a\u{5}d", "abcd|"), ("ab\u{2}\u{2}\u{2}\u{6}", "a|b"), ("a\u{6}\u{6}", "a|"),
        ("ab\u{1B}[H\u{1B}[3~\u{1B}[3~\u{1B}[3~c", "c|"), ("\u{7F}a\u{7F}\u{7F}b", "b|"),
        // Words, with Alt and an arrow: spaces belong to the word in front of which the cursor stops.
        ("one  two\u{1B}b\u{1B}b\u{1B}b", "|one  two"), ("one  two\u{1B}b", "one  |two"),
        ("one  two\u{1}\u{1B}f", "one|  two"), ("one  two\u{1}\u{1B}f\u{1B}f", "one  two|"),
        // Ctrl-W, Ctrl-U, Ctrl-K, and Ctrl-Y, which brings back the last.
        ("one two  \u{17}", "one |"), ("one two\u{17}\u{1}\u{19}", "two|one "), ("one two\u{1B}b\u{15}", "|two"),
        ("one two\u{1B}b\u{15}\u{5} \u{19}", "two one |"), ("one two\u{1B}b\u{B}", "one |"), ("\u{17}\u{19}", "|"),
        // Characters of several bytes and scalars are one.
        ("e\u{301}x\u{2}\u{2}", "|e\u{301}x"), ("a漢🙂\u{7F}\u{7F}", "a|"), ("e\u{301}\u{7F}", "|"),
    ])
    mutating func `edits as other programs do`(_ keys: String, _ line: String) {
        #expect(type(keys).isEmpty)
        #expect(self.line == line)
        #expect(editor.byteCount == line.utf8.count - 1)
    }

    @Test mutating func `enters the whole line, wherever the cursor is`() {
        #expect(type("ab\u{2}\rc\n") == [.entered("ab"), .entered("c")])
        #expect(line == "|")
    }

    @Test mutating func `ends at Ctrl-D on an empty line only`() {
        #expect(type("a\u{2}\u{4}") == [])
        #expect(line == "|")
        #expect(type("\u{4}") == [.ended])
        #expect(type("\u{C}\u{1A}\u{1C}") == [.clearsScreen, .suspends])
    }

    @Test mutating func `remembers lines, each repetition and no empty one`() {
        type("one\rtwo\rtwo\r\rdraft")
        type("\u{10}")
        #expect(line == "two|")
        type("\u{1B}[A\u{1B}[A")
        #expect(line == "one|")
        type("\u{E}\u{1B}[B\u{1B}[B")
        #expect(line == "draft|")
        // One that is changed and entered is the latest, and the original stays as it was.
        type("\u{10}\u{10}!\r\u{10}")
        #expect(line == "one!|")
        type("\u{10}\u{10}")
        #expect(line == "one|")
    }

    @Test mutating func `forgets the oldest of very many lines`() {
        for number in 0..<1100 { type("\(number)\r") }
        for _ in 0..<1100 { type("\u{10}") }
        #expect(line == "100|")
    }
}
