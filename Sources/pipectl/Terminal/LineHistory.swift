// SPDX-License-Identifier: Apache-2.0

/// The lines that were entered before, and the one among them that is shown.
///
/// In memory only: messages may hold secrets, which do not belong into a file that no one asked for.
struct LineHistory {
    private var lines: [String] = []
    /// The line that is shown; `lines.count` for the one that is being written.
    private var position = 0
    /// The line that was being written before another one was shown.
    private var draft = ""

    private static let longest = 1000

    /// Adds a line, and ends looking at others. An empty line, and one like the last, is not worth a place.
    mutating func add(_ line: String) {
        if !line.isEmpty, line != lines.last { lines.append(line) }
        if lines.count > Self.longest { lines.removeFirst() }
        position = lines.count
        draft = ""
    }

    /// The line before the one that is shown, `text`; nil if there is none.
    mutating func older(than text: String) -> String? {
        guard position > 0 else { return nil }
        if position == lines.count { draft = text }
        position -= 1
        return lines[position]
    }

    /// The line after the one that is shown, at last the one that was being written; nil if there is none.
    mutating func newer() -> String? {
        guard position < lines.count else { return nil }
        position += 1
        return position == lines.count ? draft : lines[position]
    }
}
