// SPDX-License-Identifier: Apache-2.0

extension PipeConnection {
    /// Counts a message that goes into the queue: two additions, one for the server's counters and one that tells, when
    /// the queue is written, how many messages have left.
    @inline(__always)
    func countTaken(_ queue: SendQueueSlot) {
        endpoint.traffic.takenMessageCount &+= 1
        queue.value.messageCount &+= 1
    }

    /// The framing has refused it after all.
    func uncountTaken(_ queue: SendQueueSlot) {
        endpoint.traffic.takenMessageCount &-= 1
        queue.value.messageCount &-= 1
    }

    /// Counts what a queue that is about to go still has: as the output fails, or at the end.
    func countLost(_ queue: SendQueueSlot) {
        guard queue.value.messageCount > 0 else { return }
        let isCut = queue.value.startedByteCount > 0
        let unsentCount = queue.value.unsentMessageCount
        rare.unsent = RareConnectionState.Unsent(messageCount: unsentCount, hasPartlySentMessage: isCut)
        endpoint.traffic.unsentMessageCount &+= unsentCount
        endpoint.traffic.partlySentMessageCount &+= isCut ? 1 : 0
    }
}
