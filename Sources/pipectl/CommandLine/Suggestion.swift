// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

/// The word that was probably meant, for a text that is none of the known words. (ArgumentParser has suggestions for
/// options only.)
///
/// - Returns: ` Did you mean 'echo'?`, or an empty text if no word is close.
func suggestion(for text: String, among words: [String]) -> String {
    let limit = max(1, min(3, text.count / 2))
    let near = words.map { ($0, editDistance(text, $0)) }.filter { $0.1 <= limit }.min { $0.1 < $1.1 }
    return near.map { " Did you mean '\($0.0)'?" } ?? ""
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour to get from one word to
/// the other ("optimal string alignment").
private func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left.lowercased()), Array(right.lowercased()))
    var rows = [Array(0...right.count)]
    for (i, character) in left.enumerated() {
        var row = [i + 1]
        for (j, other) in right.enumerated() {
            var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (character == other ? 0 : 1))
            if i > 0, j > 0, character == right[j - 1], left[i - 1] == other {
                cost = min(cost, rows[i - 1][j - 1] + 1)
            }
            row.append(cost)
        }
        rows.append(row)
    }
    return rows[left.count][right.count]
}

extension ParsableCommand {
    /// Refuses a first argument that is no subcommand, which ArgumentParser would only call unexpected.
    static func checkSubcommand(_ arguments: [String]) throws {
        let arguments = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        guard let word = arguments.first, !word.hasPrefix("-") else { return }
        let names = configuration.subcommands.map { $0._commandName } + ["help"]
        guard !names.contains(word) else { return }
        throw ValidationError("No command '\(word)'.\(suggestion(for: word, among: names))")
    }
}

/// Examples of what an option takes, to be shown after ArgumentParser's "The value '…' is invalid for '--option <…>'".
func exampleOfValue(in message: String) -> String {
    guard message.contains(" is invalid for '") else { return "" }
    let examples = [
        "<time>'": "a time is 50us, 500ms, 5s or 2m, and 0 means no limit",
        "<size>'": "a size is 512, 64KiB or 16MiB",
        "'--mode <": "permission bits in octal, at most 0777, such as 0660",
        "'--group <": "no such group here; a number is possible, too",
        "'--allow <": "no such user or group here: a user is alice or 1000, a group @staff, and any is everyone",
        "'--user <": "no such user here; a number is possible, too",
        "'--reactors <": "a number from 1 to \(ReactorCount(.max).value), or cores",
        "'--speed <": "a factor such as 1, 10 or 0.5, or max",
    ]
    return examples.first { message.contains($0.key) }.map { " (\($0.value))" } ?? ""
}
