// SPDX-License-Identifier: Apache-2.0

extension Endpoint {
    /// The counts of this moment, with those that are known elsewhere.
    var currentCounts: ServerCounts {
        var counts = traffic
        counts.queuedMessageCount = counts.unsettledMessageCount
        counts.heldByteCount = ledger.heldByteCount
        counts.queuedByteCount = ledger.queuedByteCount
        counts.queueHighWaterByteCount = ledger.queueHighWaterByteCount
        return counts
    }

    /// What does not add up in the counts, or nil. Each queue counts its own messages, so their sum is a second account
    /// of what the counters leave over.
    ///
    /// - Parameter queued: the sum over all connections.
    func countsProblem(queued: Int) -> String? {
        let expected = traffic.unsettledMessageCount
        return queued == expected ? nil : "\(queued) messages are queued, and \(expected) have no other place"
    }
}

extension PipeConnection {
    /// How many messages wait here. What lay in the queue of a connection that has ended is counted as lost already.
    var queuedMessageCount: Int { lifecycle.state == .closed ? 0 : queue?.value.messageCount ?? 0 }
}

extension ServerCounts {
    /// The messages that were taken and have not come to one of the four ends of a message.
    fileprivate var unsettledMessageCount: Int {
        takenMessageCount - sentMessageCount - unsentMessageCount - partlySentMessageCount - displacedMessageCount
    }
}
