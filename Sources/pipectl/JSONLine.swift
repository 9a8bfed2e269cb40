// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NamedPipes
internal import NamedPipesRPC

/// A value as one line of JSON, including its line feed. Characters that JSON allows but a terminal would obey are
/// escaped.
func jsonLine(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { preconditionFailure("texts and numbers can be encoded") }
    return escapedForJSON(String(decoding: data, as: UTF8.self)) + "\n"
}

/// Another program's JSON on one line, including its line feed, and without anything that a terminal would obey.
func oneLine(_ json: JSONText) -> String {
    // Outside of strings, these are mere space; inside, JSON has them escaped. By scalars, because CR LF is one
    // Character.
    let spaced = json.description.unicodeScalars.map { ["\n", "\r", "\t"].contains($0) ? " " : $0 }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: spaced)
    return escapedForJSON(String(text)) + "\n"
}

/// The process at the other end, according to the kernel.
struct PeerRecord: Encodable {
    let uid: UInt32
    let gid: UInt32
    let pid: Int32

    init(_ peer: PeerCredentials) {
        uid = peer.userID
        gid = peer.groupID
        pid = peer.processID
    }
}

/// Escapes characters that can only occur inside a JSON string.
func escapedForJSON(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        guard scalar.isInvisible else {
            result.unicodeScalars.append(scalar)
            continue
        }
        for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
    return result
}
