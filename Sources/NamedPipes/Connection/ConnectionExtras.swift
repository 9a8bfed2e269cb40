// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// What few connections have at a time. An idle one has none of it: that saves 32 bytes of each.
final class ConnectionExtras {
    /// What writability, or the last hang-up, is awaited with.
    var writeSource: EventSource?

    /// What stands in the place of a socket, in tests.
    var transport: (any PipeTransport)?

    /// Ends a connection whose peer does not take what is queued for it.
    var closeTimer: TimeLimit?

    /// What other threads' senders have in common.
    var sender: PipeSender.Shared?

    /// The peer has sent descriptors: nothing more is read, and the connection ends when what was read is delivered.
    var hasReceivedDescriptors = false

    /// How many messages were dropped because the peer reads too slowly.
    var droppedMessageCount = 0

    /// Where it is a member.
    var groups: Set<PipeGroup> = []

    /// What is known of the end, from the moment it is decided.
    var ending: Ending?

    struct Ending {
        let reason: DisconnectReason
        var unsentMessageCount = 0
        var hasPartlySentMessage = false
    }
}
