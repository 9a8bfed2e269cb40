// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// Counts a message that enters the queue: two additions, one for the server's counters, and one that tells, after
    /// a write of the queue, how many messages were sent.
    @inline(__always)
    func countTaken(_ queue: SendQueueSlot) {
        endpoint.traffic.takenMessageCount &+= 1
        queue.value.messageCount &+= 1
    }

    /// Reverts that, because the framing has refused the message after all.
    func uncountTaken(_ queue: SendQueueSlot) {
        endpoint.traffic.takenMessageCount &-= 1
        queue.value.messageCount &-= 1
    }

    /// Counts the messages that are lost with a queue: when the output fails, or at the end.
    func countLost(_ queue: SendQueueSlot) {
        guard queue.value.messageCount > 0 else { return }
        let isCut = queue.value.startedByteCount > 0
        let unsentCount = queue.value.unsentMessageCount
        rare.unsent = RareConnectionState.Unsent(messageCount: unsentCount, hasPartlySentMessage: isCut)
        endpoint.traffic.unsentMessageCount &+= unsentCount
        endpoint.traffic.partlySentMessageCount &+= isCut ? 1 : 0
    }
}
