// SPDX-License-Identifier: Apache-2.0

/// How far it is: on a terminal one line that changes, anywhere else a plain line each second.
struct Progress {
    private let isLive = StandardOutput.isLive
    private var isLineShown = false
    private var lastPrinted: ContinuousClock.Instant?

    /// Shows a state that replaces the one before.
    mutating func update(_ text: String) {
        if isLive {
            isLineShown = true
            StandardOutput.write("\r\(text)\u{1B}[K")
        } else if lastPrinted.map({ .now - $0 >= .milliseconds(950) }) ?? true {
            lastPrinted = .now
            StandardOutput.write(text + "\n")
        }
    }

    /// Prints a line that stays.
    mutating func print(_ text: String) {
        StandardOutput.write((isLineShown ? "\r\u{1B}[K" : "") + text + "\n")
        isLineShown = false
    }
}
