// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesProgram

/// Shows progress: on a terminal one line that changes, anywhere else a plain line each second.
struct Progress {
    /// The reason why a line could not be printed, for the first such line; nil if there was none.
    private(set) var failure: Failure?

    private let isLive = StandardOutput.isLive
    private var isLineShown = false
    private var lastPrinted: ContinuousClock.Instant?

    /// Shows a state that replaces the previous one.
    mutating func update(_ text: String) {
        if isLive {
            isLineShown = true
            write("\r\(text)\u{1B}[K")
        } else if lastPrinted.map({ .now - $0 >= .milliseconds(950) }) ?? true {
            lastPrinted = .now
            write(text + "\n")
        }
    }

    /// Prints a line that stays.
    mutating func print(_ text: String) {
        write((isLineShown ? "\r\u{1B}[K" : "") + text + "\n")
        isLineShown = false
    }

    private mutating func write(_ text: String) {
        do { try StandardOutput.print(text) } catch { failure = failure ?? error }
    }
}
