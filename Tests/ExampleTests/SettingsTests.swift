// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LanguageServer

/// How the language server reads a text, without its program.
struct SettingsTests {
    private func described(_ text: String) -> [String] {
        let settings = Settings(text)
        return settings.entries.map { "\($0.range.start.line): \($0.section).\($0.key)=\($0.value)" }
            + settings.diagnostics.map { "\($0.range.start.line): \($0.message)" }
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `a line ends as LSP says`(end: String) {
        let lines = ["[a]", "x = 1", "", "# comment", "y=2", "nonsense", ""]
        #expect(
            described(lines.joined(separator: end)) == ["1: a.x=1", "4: a.y=2", "5: a setting is key = value"])
    }

    @Test func `the three ends mixed are three lines`() {
        #expect("a\r\rb\r\n\nc".linesOfLSP.map(String.init) == ["a", "", "b", "", "c"])
        #expect("".linesOfLSP.map(String.init) == [""])
        #expect("\r\n".linesOfLSP.map(String.init) == ["", ""])
    }

    @Test func `an accent behind a sign leaves the sign unchanged`() {
        #expect(described("k =\u{301}x") == ["0: .k=\u{301}x"])
        #expect(described("[a]\u{301}") == ["0: a section is [name]"])
        #expect(described("#\u{301} = 1") == [])
        #expect(described(" \u{301}k = 1") == ["0: .\u{301}k=1"])
    }

    @Test func `keys that only look the same are different`() {
        #expect(described("\u{E9} = 1\ne\u{301} = 2").count == 2)
        #expect(described("\u{E9} = 1\n\u{E9} = 2").last == "1: '\u{E9}' is already set")
    }

    @Test func `places are counted in UTF-16`() throws {
        let settings = Settings("\u{1D11E} \u{1D11E}k = 1")
        let range = try #require(settings.entries.first?.range)
        #expect(range.start.character == 0 && range.end.character == 6)
    }
}
