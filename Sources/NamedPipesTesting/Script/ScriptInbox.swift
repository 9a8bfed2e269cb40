// SPDX-License-Identifier: Apache-2.0

/// The input of a scripted peer: bytes that become messages.
struct ScriptInbox: ~Copyable {
    private let framing: any MessageFraming
    private var unread = FrameBuffer()
    private(set) var messages: [[UInt8]] = []

    init(_ framing: any MessageFraming) { self.framing = framing }

    mutating func append(_ bytes: Span<UInt8>) throws(FramingError) {
        unread.append(contentsOf: bytes)
        var found: [[UInt8]] = []
        let walk = try framing.scanFrames(in: unread.span, scannedByteCount: 0) { message in
            found.append([UInt8](copying: message))
            return true
        }
        unread.removeFirst(walk.consumedByteCount)
        messages += found
    }

    mutating func takeMessage() -> [UInt8]? { messages.isEmpty ? nil : messages.removeFirst() }

    /// The bytes or messages that would be left if the stream ended now, or nil.
    var leftover: String? {
        if let message = messages.first { return "\(MessageText.text(of: message)) came" }
        return unread.byteCount > 0 ? "\(unread.byteCount) bytes arrived that are not a whole message" : nil
    }
}
