// SPDX-License-Identifier: Apache-2.0

/// What a terminal shows that obeys the few commands of ECMA-48 which `pipectl` uses. It has room for any line, and
/// never scrolls.
struct Screen {
    private(set) var lines = [""]
    private(set) var row = 0
    /// In characters, each of which is one column wide here.
    private(set) var column = 0

    private var pending: [UInt8] = []

    mutating func show(_ bytes: ArraySlice<UInt8>) {
        pending += bytes
        while let text = nextText() { obey(text) }
    }

    /// The line of the cursor.
    var line: String { lines[row] }

    /// The next character or command, if it is complete.
    private mutating func nextText() -> String? {
        guard let first = pending.first else { return nil }
        let length: Int?
        if first == 0x1B {
            length = pending.dropFirst(2).firstIndex { 0x40...0x7E ~= $0 }.map { $0 + 1 }
        } else {
            length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        }
        guard let length, pending.count >= length else { return nil }
        defer { pending.removeFirst(length) }
        return String(decoding: pending[..<length], as: UTF8.self)
    }

    private mutating func obey(_ text: String) {
        switch text {
        case "\r": column = 0
        case "\n":
            row += 1
            if row == lines.count { lines.append("") }
        case "\u{8}": column = max(0, column - 1)
        case "\u{7}": break
        case "\u{1B}[K": lines[row] = String(lines[row].prefix(column))
        case "\u{1B}[J": lines = Array(lines[...row])
        case "\u{1B}[H": (row, column) = (0, 0)
        case let text where text.hasPrefix("\u{1B}[") && text.hasSuffix("C"):
            column += Int(text.dropFirst(2).dropLast()) ?? 1
        // Colours, and modes.
        case let text where text.hasPrefix("\u{1B}["): break
        default: put(text)
        }
    }

    private mutating func put(_ text: String) {
        var cells = lines[row].map(String.init)
        while cells.count <= column { cells.append(" ") }
        cells[column] = text
        lines[row] = cells.joined()
        column += 1
    }
}
