// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What a piece of text is, besides its words. A colour only repeats it: without colours, nothing is missing.
enum TextRole: String, CaseIterable, Sendable {
    /// A heading: bold.
    case heading
    /// A check that has passed: green.
    case good
    /// A failure: red.
    case bad
    /// What came from the peer: green.
    case received
    /// What goes to the peer: cyan.
    case sent
    /// What matters less than the rest: dim.
    case aside

    /// Of ECMA-48, 8.3.117, Select Graphic Rendition. Only the eight colours that every terminal has, because its user
    /// has chosen them to be legible on its background.
    fileprivate var rendition: String {
        switch self {
        case .heading: "1"
        case .good, .received: "32"
        case .bad: "31"
        case .sent: "36"
        case .aside: "2"
        }
    }
}

/// Paints text in the colours of a stream: on a terminal that has them, for a user who wants them.
///
/// There is no option for it: `NO_COLOR` (no-color.org) and `TERM=dumb` switch colours off for all programs alike, and
/// what is not a terminal gets the bare text, which other programs read.
///
/// ```swift
/// print(TextStyle.output.paint("FAIL", .bad))
/// ```
struct TextStyle: Sendable {
    private let hasColours: Bool

    /// - Parameters:
    ///   - isTerminal: whether the stream is a terminal (isatty(3)).
    ///   - type: the kind of terminal, `TERM`; nil if it is not set.
    ///   - noColour: `NO_COLOR`, which wants no colours unless it is empty; nil if it is not set.
    init(isTerminal: Bool, type: String?, noColour: String?) {
        hasColours = isTerminal && Terminal.obeysCommands(type) && noColour?.isEmpty ?? true
    }

    private init(of descriptor: Int32) {
        self.init(
            isTerminal: isatty(descriptor) == 1, type: environment("TERM"), noColour: environment("NO_COLOR"))
    }

    /// Standard output's.
    static let output = TextStyle(of: STDOUT_FILENO)

    /// Standard error's.
    static let error = TextStyle(of: STDERR_FILENO)

    /// No colours, whatever the stream.
    static let plain = TextStyle(isTerminal: false, type: nil, noColour: nil)

    /// The text in the role's colour, which ends with it. Align it before: commands have no width.
    ///
    /// - Parameters:
    ///   - text: what has been made safe for a terminal (``printable(_:)``).
    ///   - role: what it is.
    func paint(_ text: String, _ role: TextRole) -> String {
        hasColours && !text.isEmpty ? "\u{1B}[\(role.rendition)m\(text)\u{1B}[0m" : text
    }
}
