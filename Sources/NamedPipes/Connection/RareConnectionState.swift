// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What few connections have at a time. An idle one has none of it.
final class RareConnectionState {
    /// Ends a connection whose peer does not take what is queued for it.
    var closeTimer: TimeLimit?

    /// What other threads' senders have in common.
    var sender: PipeSender.Shared?

    /// See ``PipeConnection/displacedMessageCount``.
    var displacedMessageCount = 0

    /// See ``PipeConnection/droppedMessageCount``.
    var droppedMessageCount = 0

    /// Where it is a member.
    var groups: Set<PipeGroup> = []

    /// Why the connection ends, from the moment it is decided; see ``PipeConnection/decidedReason``.
    var endReason: DisconnectReason?

    /// What the queue still held when it was let go: as the output failed, or at the end.
    var unsent = Unsent()

    struct Unsent {
        /// Messages of which not one byte was written.
        var messageCount = 0
        var hasPartlySentMessage = false

        /// How many messages did not leave whole.
        var total: Int { messageCount + (hasPartlySentMessage ? 1 : 0) }
    }
}
