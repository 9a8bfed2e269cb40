// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// State that few connections have at a time. An idle connection has none of it.
final class RareConnectionState {
    /// Ends a connection whose peer does not read the queued messages.
    var closeTimer: TimeLimit?

    /// What the senders of other threads share.
    var sender: PipeSender.Shared?

    /// See ``PipeConnection/displacedMessageCount``.
    var displacedMessageCount = 0

    /// See ``PipeConnection/droppedMessageCount``.
    var droppedMessageCount = 0

    /// The groups of which it is a member.
    var groups: Set<PipeGroup> = []

    /// What this connection has carried, if it ``ConnectionState/isCounted``.
    var traffic: ConnectionTraffic?

    /// The framing and limits that this connection was upgraded to.
    var terms: ConnectionTerms?

    /// The calls that wait until the peer has read everything.
    var peerReading: PeerReadingWatch?

    /// The function that gets the connection when it is detached, and then the connection.
    var receiveDetached: ((consuming DetachedConnection) -> Void)?
    var detached: DetachedConnection?

    /// The reason of the end, from the moment it is decided; see ``PipeConnection/decidedReason``.
    var endReason: DisconnectReason?

    /// See ``PipeConnection/unansweredClose``.
    var unansweredClose: UnansweredClose?

    /// The descriptors that come and go with messages.
    var descriptors: DescriptorTraffic?

    /// The program at the other end, which this end started.
    var child: ConnectedChild?

    /// Whether it receives from a FIFO, through which nothing can be sent.
    var isReceiveOnly = false

    /// What the queue still held when it was released: when the output failed, or at the end.
    var unsent = Unsent()

    struct Unsent {
        /// Messages of which not one byte was written.
        var messageCount = 0
        var hasPartlySentMessage = false

        /// How many messages were not completely written.
        var total: Int { messageCount + (hasPartlySentMessage ? 1 : 0) }
    }
}
