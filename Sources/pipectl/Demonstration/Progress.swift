// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesProgram

/// How far it is: on a terminal one line that changes, anywhere else a plain line each second.
struct Progress {
    /// Why the first line was lost that was; nil while none was.
    private(set) var failure: Failure?

    private let isLive = StandardOutput.isLive
    private var isLineShown = false
    private var lastPrinted: ContinuousClock.Instant?

    /// Shows a state that replaces the one before.
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
