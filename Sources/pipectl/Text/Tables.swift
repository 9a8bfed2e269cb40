// SPDX-License-Identifier: Apache-2.0

/// Rows as lines of text. The first column is left-aligned, the others right-aligned, three spaces apart.
func alignedTable(_ rows: [[String]]) -> String {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
        row.enumerated().map { column, cell in
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            return column == 0 ? cell + padding : "   " + padding + cell
        }.joined()
    }.joined(separator: "\n")
}

/// Cells as a line of columns of fixed widths, a space apart. What is longer is cut.
///
/// - Parameter leftAligned: the indices of the left-aligned columns; all others are right-aligned.
func columns(_ cells: [String], _ widths: [Int], leftAligned: Set<Int>) -> String {
    zip(cells, widths).enumerated().map { column, cell in
        let (text, width) = (String(cell.0.prefix(cell.1)), cell.1)
        let space = String(repeating: " ", count: width - text.count)
        return leftAligned.contains(column) ? text + space : space + text
    }.joined(separator: " ")
}

/// A text as lines of 80 columns at most, as long as its words are not longer.
func wrapped(_ text: String, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines = [""]
    for word in text.split(separator: " ") {
        let last = lines[lines.count - 1]
        if last.isEmpty {
            lines[lines.count - 1] = String(word)
        } else if indent + last.count + 1 + word.count <= 80 {
            lines[lines.count - 1] += " \(word)"
        } else {
            lines.append(String(word))
        }
    }
    return lines.map { "\(margin)\($0)\n" }.joined()
}

/// A time with a suitable unit: `840 µs`, `4.1 ms`, `1.2 s`.
func readable(_ time: Duration) -> String {
    let microseconds = time / .microseconds(1)
    if microseconds < 1000 { return "\(Int(microseconds.rounded())) µs" }
    return microseconds < 1_000_000 ? "\(decimal(microseconds / 1000)) ms" : "\(decimal(microseconds / 1_000_000)) s"
}
