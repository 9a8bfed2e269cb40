// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// What a protocol on top of the messages has to know of what is below them.
extension AsyncPipeConnection {
    /// Whether messages are what lies between delimiters, so that a blank line is a message without bytes.
    package var isDelimited: Bool { unsafe state.connection.endpoint.framing is DelimiterFraming }

    /// Whether the peer has gone, both directions, as far as the kernel knows by now. While reading is paused, nothing
    /// else tells.
    package var isPeerGone: Bool { unsafe state.endReason != nil || state.connection.hasLostPeer }
}
