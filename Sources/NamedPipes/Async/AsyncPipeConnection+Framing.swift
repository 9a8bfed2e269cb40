// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// What a protocol on top of the messages has to know about the layers below.
extension AsyncPipeConnection {
    /// Whether delimiters separate messages, so that a blank line is a message without bytes.
    package var isDelimited: Bool { unsafe state.connection.endpoint.framing is DelimiterFraming }

    /// Whether the peer is gone in both directions, as far as the kernel knows. While reading is paused, this is the
    /// only way to learn of it.
    package var isPeerGone: Bool { unsafe state.endReason != nil || state.connection.hasLostPeer }
}
