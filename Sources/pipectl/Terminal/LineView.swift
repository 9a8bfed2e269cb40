// SPDX-License-Identifier: Apache-2.0

/// A line that is being edited as a terminal shows it: in one row. Of a line that is too long, the part around the
/// cursor is shown, so that one command removes it when a message arrives, however wide the terminal is by then.
struct LineView {
    /// What stands in front, with colours.
    let prompt: String
    /// Its width.
    let promptWidth: Int

    /// Removes the row's content, wherever the cursor is in it.
    static let clear = "\r\u{1B}[K"

    /// Draws the line, and puts the cursor into it.
    ///
    /// - Parameters:
    ///   - before: the text in front of the cursor.
    ///   - after: the text behind it.
    ///   - columns: the width of the terminal.
    func drawing(_ before: String, _ after: String, columns: Int) -> String {
        // The last column stays free: with it, some terminals go to the next row, and some do not.
        var room = max(1, columns - promptWidth - 1)
        var left: [Cell] = []
        for cell in before.reversed().lazy.map(Cell.init) {
            guard cell.width <= room else { break }
            left.append(cell)
            room -= cell.width
        }
        let position = promptWidth + left.reduce(0) { $0 + $1.width }
        var text = left.reversed().map(\.text).joined()
        for cell in after.lazy.map(Cell.init) {
            guard cell.width <= room else { break }
            text += cell.text
            room -= cell.width
        }
        return "\r\(prompt)\(text)\u{1B}[K\r" + (position == 0 ? "" : "\u{1B}[\(position)C")
    }

    /// The line after it was entered: whole, however many rows it takes.
    func entered(_ line: String) -> String {
        "\r\(prompt)\(line.map { Cell($0).text }.joined())\u{1B}[K\n"
    }
}

/// A character as it is shown.
private struct Cell {
    let text: String
    /// In columns.
    let width: Int

    init(_ character: Character) {
        text = printable(String(character))
        // An escape of several characters is ASCII.
        width = text.unicodeScalars.count == text.count ? text.reduce(0) { $0 + $1.columnCount } : character.columnCount
    }
}

extension Character {
    /// The number of columns that it takes: 2 for those of East Asia and for pictures (Unicode Standard Annex 11).
    /// wcwidth(3) would depend on the locale.
    fileprivate var columnCount: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        if scalar.properties.generalCategory == .nonspacingMark { return 0 }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
    }
}

/// Hangul, CJK and full-width forms: those blocks of which all, or all but a few, characters are wide.
private let wideRanges: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
    0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
]
