// SPDX-License-Identifier: Apache-2.0

/// A settings file, line by line: sections in brackets, keys and values around `=`, comments after `#` or `;`.
///
/// The text is examined by scalar and compared by byte. A `Character` is what a reader sees, which is not what the
/// format is made of: `\r\n` is one, and so is `=` followed by an accent.
struct Settings {
    struct Section {
        let name: String
        let range: TextRange
    }

    struct Entry {
        let section: String
        let key: String
        let value: String
        let range: TextRange
    }

    private(set) var sections: [Section] = []
    private(set) var entries: [Entry] = []
    private(set) var diagnostics: [Diagnostic] = []

    init(_ text: String) {
        var keys: Set<[[UInt8]]> = []
        for (number, line) in text.linesOfLSP.enumerated() {
            let content = line.trimmed
            guard let first = content.first, first != "#", first != ";" else { continue }
            let range = TextRange(of: content, in: line, number)
            if first == "[" {
                guard content.last == "]", content.count > 2 else {
                    diagnostics.append(Diagnostic(range, .error, "a section is [name]"))
                    continue
                }
                sections.append(Section(name: String(content.dropFirst().dropLast()), range: range))
            } else if let equals = content.firstIndex(of: "="), equals > content.startIndex {
                let key = String(content[..<equals].trimmed)
                let section = sections.last?.name ?? ""
                let keyRange = TextRange(of: content[..<equals].trimmed, in: line, number)
                if !keys.insert([Array(section.utf8), Array(key.utf8)]).inserted {
                    diagnostics.append(Diagnostic(keyRange, .warning, "'\(key)' is already set"))
                }
                let value = String(content[equals...].dropFirst().trimmed)
                entries.append(Entry(section: section, key: key, value: value, range: keyRange))
            } else {
                diagnostics.append(Diagnostic(range, .error, "a setting is key = value"))
            }
        }
    }

    func entry(at position: Position) -> Entry? { entries.first { $0.range.contains(position) } }
}

extension String {
    /// The lines between LSP's three line ends: `\n`, `\r\n` and `\r`.
    var linesOfLSP: [Substring.UnicodeScalarView] {
        var lines: [Substring.UnicodeScalarView] = []
        var rest = self[...].unicodeScalars
        while let end = rest.firstIndex(where: { $0 == "\n" || $0 == "\r" }) {
            lines.append(rest[..<end])
            let isPair = rest[end] == "\r" && rest[end...].dropFirst().first == "\n"
            rest = rest[end...].dropFirst(isPair ? 2 : 1)
        }
        return lines + [rest]
    }
}

extension Substring.UnicodeScalarView {
    /// Without white space at either end.
    fileprivate var trimmed: Self {
        let start = drop { $0.properties.isWhitespace }
        return start.lastIndex { !$0.properties.isWhitespace }.map { start[...$0] } ?? start[start.endIndex...]
    }
}

extension TextRange {
    /// The range of a part of a line: LSP counts in UTF-16 code units.
    fileprivate init(
        of part: Substring.UnicodeScalarView, in line: Substring.UnicodeScalarView, _ number: Int
    ) {
        let (line, part) = (Substring(line), Substring(part))
        let start = line.utf16.distance(from: line.startIndex, to: part.startIndex)
        self.init(
            start: Position(line: number, character: start),
            end: Position(line: number, character: start + part.utf16.count))
    }
}
