// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes

/// What each end tells the other when a session opens: one byte of version, the window in bytes (4, big-endian), then a
/// text that says who it claims to be.
struct SessionOffer: Equatable {
    /// How many bytes may be on the way to this end or unread there.
    let window: UInt32
    /// Words for logs, chosen by the sender.
    let claim: String

    static let version: UInt8 = 1
    /// A longer text is cut: a stranger chooses it.
    static let maximumClaimByteCount = 256

    init(window: UInt32, claim: String) {
        self.window = window
        self.claim = claim
    }

    /// Parses the payload of an opening or of an accept, from an index on; nil for anything else, and for a window that
    /// admits no byte.
    init?(parsing bytes: Span<UInt8>, from start: Int = 0) {
        guard bytes.count >= start + 5, bytes[start] == Self.version else { return nil }
        window = UInt32(bigEndian: bytes, at: start + 1)
        guard window > 0 else { return nil }
        let end = min(bytes.count, start + 5 + Self.maximumClaimByteCount)
        claim = String(decoding: [UInt8](copying: bytes.extracting(start + 5..<end)), as: UTF8.self)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(Self.version)
        window.append(to: &bytes)
        bytes.append(contentsOf: claim.utf8.prefix(Self.maximumClaimByteCount))
    }
}
#endif
