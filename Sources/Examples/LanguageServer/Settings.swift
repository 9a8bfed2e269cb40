// SPDX-License-Identifier: Apache-2.0

/// A settings file, line by line: sections in brackets, keys and values around `=`, comments behind `#` or `;`.
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
        var keys: Set<[String]> = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
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
                let key = content[..<equals].trimmed
                let section = sections.last?.name ?? ""
                let keyRange = TextRange(of: key, in: line, number)
                if !keys.insert([section, String(key)]).inserted {
                    diagnostics.append(Diagnostic(keyRange, .warning, "'\(key)' is set once more"))
                }
                let value = String(content[equals...].dropFirst().trimmed)
                entries.append(Entry(section: section, key: String(key), value: value, range: keyRange))
            } else {
                diagnostics.append(Diagnostic(range, .error, "a setting is key = value"))
            }
        }
    }

    func entry(at position: Position) -> Entry? { entries.first { $0.range.contains(position) } }
}

extension Substring {
    /// Without what is white around it.
    fileprivate var trimmed: Substring {
        let start = drop(while: \.isWhitespace)
        return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? start[start.endIndex...]
    }
}

extension TextRange {
    /// Where a part of a line is: LSP counts in UTF-16 code units.
    fileprivate init(of part: Substring, in line: Substring, _ number: Int) {
        let start = line.utf16.distance(from: line.startIndex, to: part.startIndex)
        self.init(
            start: Position(line: number, character: start),
            end: Position(line: number, character: start + part.utf16.count))
    }
}
