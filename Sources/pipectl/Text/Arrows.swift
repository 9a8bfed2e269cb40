// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The signs of a line, in the characters that the terminal has.
struct Arrows {
    let ellipsis: String
    private let toServer: String
    private let toClient: String

    /// - Parameter isUTF8: whether the locale has UTF-8, as it says in the environment.
    init(isUTF8: Bool = localeIsUTF8) {
        (toServer, toClient, ellipsis) = isUTF8 ? ("→", "←", "…") : (">", "<", "...")
    }

    func arrow(_ direction: CapturedMessage.Direction) -> String {
        switch direction {
        case .toServer: toServer
        case .toClient: toClient
        }
    }
}

/// Whether the locale's characters are UTF-8: the first of these variables that is set decides (locale(7)).
private var localeIsUTF8: Bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"]
    let locale = names.lazy.compactMap { environment($0) }.first { !$0.isEmpty } ?? ""
    let codeset = locale.lowercased()
    return codeset.contains("utf-8") || codeset.contains("utf8")
}
