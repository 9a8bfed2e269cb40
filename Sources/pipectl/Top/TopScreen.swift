// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesProgram

/// Shows reports: on a terminal each in place of the last one, as far as its lines fit; elsewhere one below the other.
struct TopScreen: Sendable {
    let isLive: Bool

    func show(_ report: String) throws(Failure) {
        guard isLive else { return try StandardOutput.print(report) }
        let lines = report.split(separator: "\n", omittingEmptySubsequences: false).prefix(Terminal.size.lines - 1)
        // To the top, each line to its end, and what is left of a longer report.
        let text = lines.map { "\($0)\u{1B}[K" }.joined(separator: "\n")
        try StandardOutput.print("\u{1B}[H\(text)\u{1B}[J\n")
    }
}
