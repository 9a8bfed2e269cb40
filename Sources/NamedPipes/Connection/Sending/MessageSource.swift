// SPDX-License-Identifier: Apache-2.0

/// The memory of a message that is to be queued, and thereby its lifetime: a large message is not copied if its memory
/// lives until the message is written.
enum MessageSource {
    /// In the caller's memory, which is valid until `send` returns; or in the receive buffer, which is valid until the
    /// next read; or in the memory of a large message that is being delivered, which can be retained.
    case lent

    /// In an array, which can be retained.
    case array([UInt8])

    /// In the memory of a ``PipeMessage``, which can be retained.
    case buffer(SharedBuffer)

    /// In the memory of a broadcast, which can be retained. The bytes are a whole frame.
    case frame(SharedBuffer)

    /// Whether the bytes are a frame rather than a message.
    var isFrame: Bool {
        if case .frame = self { true } else { false }
    }
}
