// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of a message to be queued lie, and so how long they last: a large one is not copied if its memory
/// lasts until the message has left.
enum MessageSource {
    /// In memory of the caller's, which lasts until `send` returns; or in the receive space, which lasts until the next
    /// read; or in the memory of a large message that is being delivered, which can be held.
    case lent

    /// In an array, which can be held.
    case array([UInt8])

    /// In the memory of a ``PipeMessage``, which can be held.
    case buffer(SharedBuffer)

    /// In the memory of a broadcast, which can be held. The bytes are a whole frame.
    case frame(SharedBuffer)
}
