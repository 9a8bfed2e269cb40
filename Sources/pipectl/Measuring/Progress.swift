// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipesProgram

/// Shows progress: on a terminal one line that changes, anywhere else a plain line each second, or nothing.
struct Progress {
    /// The reason why a line could not be printed, for the first such line; nil if there was none.
    private(set) var failure: Failure?

    private let isLive: Bool
    private let isOnErrors: Bool
    private let isSilentElsewhere: Bool
    private var isLineShown = false
    private var lastPrinted: ContinuousClock.Instant?

    /// On standard output, where the results are.
    init() {
        isLive = Terminal.isLive(STDOUT_FILENO)
        isOnErrors = false
        isSilentElsewhere = false
    }

    /// On standard error, and only on a terminal.
    ///
    /// - Parameter isWanted: false for none at all.
    init(onErrorsIf isWanted: Bool) {
        isLive = isWanted && Terminal.isLive(STDERR_FILENO)
        isOnErrors = true
        isSilentElsewhere = true
    }

    /// Whether anything is shown.
    var isShown: Bool { isLive || !isSilentElsewhere }

    /// Shows a state that replaces the previous one. It has to fit into the terminal's width.
    mutating func update(_ text: String) {
        if isLive {
            isLineShown = true
            write("\r\(text)\u{1B}[K")
        } else if !isSilentElsewhere, lastPrinted.map({ .now - $0 >= .milliseconds(950) }) ?? true {
            lastPrinted = .now
            write(text + "\n")
        }
    }

    /// Removes the line that changes.
    mutating func clear() {
        guard isLineShown else { return }
        isLineShown = false
        write("\r\u{1B}[K")
    }

    /// Prints a line that stays.
    mutating func print(_ text: String) {
        clear()
        write(text + "\n")
    }

    private mutating func write(_ text: String) {
        guard !isOnErrors else { return StandardError.write(text) }
        do { try StandardOutput.print(text) } catch { failure = failure ?? error }
    }
}
