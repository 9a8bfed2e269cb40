// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The properties of a stream that is a terminal.
enum Terminal {
    /// Whether a person watches the stream on a terminal that can move its cursor.
    static func isLive(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1 && environment("CI") == nil && obeysCommands(environment("TERM"))
    }

    /// Whether a terminal of this kind (`TERM`, environ(7)) does more than to show text.
    static func obeysCommands(_ type: String?) -> Bool { type.map { !$0.isEmpty && $0 != "dumb" } ?? false }

    /// The number of columns and lines of standard output's terminal (ioctl_tty(2), TIOCGWINSZ); 80 and 24 if they are
    /// unknown.
    static var size: (columns: Int, lines: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return (80, 24) }
        return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 2 ? Int(size.ws_row) : 24)
    }
}
