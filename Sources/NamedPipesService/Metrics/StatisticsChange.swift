// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The changes between two snapshots of a server: the growth of its counters. A value, so that the sums can be tested.
struct StatisticsChange: Equatable {
    var accepted = 0
    var closed: [DisconnectReason.Kind: Int] = [:]
    var refused: [ConnectionRefusal: Int] = [:]
    var receivedMessages = 0
    var sentMessages = 0
    var droppedMessages = 0
    var unsentMessages = 0
    var receivedBytes = 0
    var sentBytes = 0

    init(from old: PipeServer.Statistics, to new: PipeServer.Statistics) {
        accepted = new.acceptedCount - old.acceptedCount
        closed = Self.change(from: old.closedCounts, to: new.closedCounts)
        refused = Self.change(from: old.refusedCounts, to: new.refusedCounts)
        receivedMessages = new.receivedMessageCount - old.receivedMessageCount
        sentMessages = new.sentMessageCount - old.sentMessageCount
        droppedMessages = new.droppedMessageCount - old.droppedMessageCount
        unsentMessages = new.unsentMessageCount - old.unsentMessageCount
        receivedBytes = new.receivedByteCount - old.receivedByteCount
        sentBytes = new.sentByteCount - old.sentByteCount
    }

    private static func change<Case: Hashable>(from old: [Case: Int], to new: [Case: Int]) -> [Case: Int] {
        var change: [Case: Int] = [:]
        for (key, count) in new where count != old[key, default: 0] { change[key] = count - old[key, default: 0] }
        return change
    }
}
