// SPDX-License-Identifier: Apache-2.0

extension JSONText {
    /// The object's member with this name; nil if this is not an object, or has no such member. Names are compared as
    /// they are written.
    package func member(_ name: String) -> JSONText? {
        guard slice.first == UInt8(ascii: "{") else { return nil }
        let quoted = JSONText(quoting: name)
        var found: JSONText?
        // This text was checked before, with the configured limit.
        var scanner = JSONScanner(slice, depthLimit: 512)
        try? scanner.members { if $0 == quoted { found = $1 } }
        return found
    }
}
