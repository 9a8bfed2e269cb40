// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import pipectl

struct LineViewTests {
    private let view = LineView(prompt: "> ", promptWidth: 2)

    private func screen(_ before: String, _ after: String, columns: Int) -> Screen {
        var screen = Screen()
        screen.show(Array(view.drawing(before, after, columns: columns).utf8)[...])
        return screen
    }

    @Test(arguments: [
        ("", "", 10, "> ", 2), ("abc", "de", 10, "> abcde", 5), ("", "abcdefghij", 10, "> abcdefg", 2),
        ("abcdefghij", "", 10, "> defghij", 9), ("abcdefghij", "klm", 10, "> defghij", 9), ("ab", "cd", 1, "> b", 3),
        // As they are printed when they arrive.
        ("a\tb", "", 20, "> a\\tb", 6), ("\u{202E}", "", 20, "> \\u{202E}", 10),
    ])
    func `shows the part around the cursor, in one row`(
        _ before: String, _ after: String, _ columns: Int, _ line: String, _ column: Int
    ) {
        let screen = screen(before, after, columns: columns)
        #expect(screen.lines == [line])
        #expect(screen.column == column)
    }

    @Test(arguments: [("漢字", 4), ("🙂", 2), ("한", 2), ("e\u{301}é", 2), ("ｱ", 1), ("Ａ", 2), ("\u{200B}", 8)])
    func `knows the width of characters`(_ text: String, _ width: Int) {
        #expect(screen(text, "", columns: 80).column == 2 + width)
    }

    @Test func `leaves nothing behind of the line before`() {
        var screen = screen("abcdef", "", columns: 80)
        screen.show(Array(view.drawing("a", "", columns: 80).utf8)[...])
        #expect(screen.lines == ["> a"])
        screen.show(Array((LineView.clear + "message\n" + view.entered("whole")).utf8)[...])
        #expect(screen.lines == ["message", "> whole", ""])
    }
}
