// SPDX-License-Identifier: Apache-2.0

extension JSONText {
    /// The object's member of that name; nil if this is no object, or has none. Names are compared as they are written.
    func member(_ name: String) -> JSONText? {
        guard slice.first == UInt8(ascii: "{") else { return nil }
        let quoted = JSONText(quoting: name)
        var found: JSONText?
        // What is here was checked before, with the limit that holds.
        var scanner = JSONScanner(slice, depthLimit: 512)
        try? scanner.members { if $0 == quoted { found = $1 } }
        return found
    }
}
