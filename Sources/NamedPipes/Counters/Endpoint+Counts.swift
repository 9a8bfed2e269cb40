// SPDX-License-Identifier: Apache-2.0

extension Endpoint {
    /// The present counts, including those that are known elsewhere.
    var currentCounts: ServerCounts {
        var counts = traffic
        counts.queuedMessageCount = counts.unsettledMessageCount
        counts.heldByteCount = ledger.heldByteCount
        counts.queuedByteCount = ledger.queuedByteCount
        counts.queueHighWaterByteCount = ledger.queueHighWaterByteCount
        return counts
    }

    /// A contradiction in the counts, or nil. Each queue counts its own messages, so their sum checks what the counters
    /// leave over.
    ///
    /// - Parameter queued: the sum over all connections.
    func countsProblem(queued: Int) -> String? {
        let expected = traffic.unsettledMessageCount
        return queued == expected ? nil : "\(queued) messages are queued, and \(expected) are expected"
    }
}

extension PipeConnection {
    /// The number of messages that wait here. Messages in the queue of a connection that has ended are already counted
    /// as lost.
    package var queuedMessageCount: Int { lifecycle.state == .closed ? 0 : queue?.value.messageCount ?? 0 }
}

extension ServerCounts {
    /// The messages that were taken and have reached none of the four ends of a message.
    fileprivate var unsettledMessageCount: Int {
        takenMessageCount - sentMessageCount - unsentMessageCount - partlySentMessageCount - displacedMessageCount
    }
}
