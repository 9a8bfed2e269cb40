// SPDX-License-Identifier: Apache-2.0

/// A line that is being edited, with the keys that readline(3) and editline(7) have by default. A value: it reads and
/// draws nothing.
///
/// | Keys | Effect |
/// |---|---|
/// | ←, →, Ctrl-B, Ctrl-F | a character to the left, to the right |
/// | Alt-←, Alt-→, Alt-B, Alt-F; Ctrl with an arrow | a word to the left, to the right |
/// | Home, End, Ctrl-A, Ctrl-E | to the beginning, to the end |
/// | Backspace, Delete, Ctrl-D | removes a character |
/// | Ctrl-W, Ctrl-U, Ctrl-K | removes a word, everything before the cursor, everything after it |
/// | Ctrl-Y | inserts what was removed last |
/// | ↑, ↓, Ctrl-P, Ctrl-N | the lines entered before |
/// | Return | enters the line |
/// | Ctrl-D on an empty line | ends the input |
struct LineEditor {
    /// The effect of a key, besides the change of the line.
    enum Effect: Equatable {
        case none
        case entered(String)
        case ended
        /// Ctrl-L.
        case clearsScreen
        /// Ctrl-Z.
        case suspends
    }

    /// The text in front of the cursor.
    private(set) var before = ""
    /// The text behind the cursor.
    private(set) var after = ""
    private var removed = ""
    private var history = LineHistory()

    /// The whole line.
    var text: String { before + after }

    /// The length of the line in UTF-8. Asked for after each key, it must not build the line.
    var byteCount: Int { before.utf8.count + after.utf8.count }

    mutating func press(_ key: Key) -> Effect {
        switch key {
        case .scalar(let scalar): before.unicodeScalars.append(scalar)
        case .enter: return enter()
        case .backspace: _ = before.popLast()
        case .delete: after.removeFirst(min(1, after.count))
        case .left: moveLeft(1)
        case .right: moveRight(1)
        case .wordLeft: moveLeft(wordLength(before.reversed()))
        case .wordRight: moveRight(wordLength(after))
        case .home: (before, after) = ("", text)
        case .end: (before, after) = (text, "")
        case .up: show(history.older(than: text))
        case .down: show(history.newer())
        case .control(let letter): return pressControl(letter)
        }
        return .none
    }

    private mutating func pressControl(_ letter: Character) -> Effect {
        switch letter {
        case "A": return press(.home)
        case "B": return press(.left)
        case "D":
            if byteCount == 0 { return .ended }
            return press(.delete)
        case "E": return press(.end)
        case "F": return press(.right)
        case "K": (removed, after) = (after, "")
        case "L": return .clearsScreen
        case "N": return press(.down)
        case "P": return press(.up)
        case "U": (removed, before) = (before, "")
        case "W":
            let count = wordLength(before.reversed())
            removed = String(before.suffix(count))
            before.removeLast(count)
        case "Y": before += removed
        case "Z": return .suspends
        default: break
        }
        return .none
    }

    private mutating func enter() -> Effect {
        defer { (before, after) = ("", "") }
        history.add(text)
        return .entered(text)
    }

    /// Moves the cursor by at most this number of characters.
    private mutating func moveLeft(_ count: Int) {
        after = before.suffix(count) + after
        before.removeLast(min(count, before.count))
    }

    private mutating func moveRight(_ count: Int) {
        before += after.prefix(count)
        after.removeFirst(min(count, after.count))
    }

    private mutating func show(_ line: String?) {
        if let line { (before, after) = (line, "") }
    }
}

/// The length of spaces and the word behind them.
private func wordLength(_ text: some Sequence<Character>) -> Int {
    var count = 0
    var isInWord = false
    for character in text {
        if character.isWhitespace, isInWord { break }
        isInWord = isInWord || !character.isWhitespace
        count += 1
    }
    return count
}
