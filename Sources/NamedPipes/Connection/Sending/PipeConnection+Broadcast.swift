// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// One frame for many connections: encoded once, written at once where the queue is empty, and shared where it is not.

extension PipeConnection {
    /// Sends a frame that is already encoded. If nothing is queued, it is written at once: a queue, a place in the turn
    /// and a second look at the connection would cost as much as the write itself.
    func send(encoded frame: SharedBuffer) throws(PipeError) -> SendVerdict {
        guard queue == nil, lifecycle.canSend else {
            return try frame.withBytes { bytes throws(PipeError) in try sendSlowly(bytes, from: .frame(frame)) }
        }
        noteActivity()
        let count: Int
        do {
            count = try writeNow(frame) ?? 0
        } catch {
            return try queueRest(of: frame, behind: 0, after: error)
        }
        endpoint.traffic.sentByteCount &+= count
        let isAll = count == frame.bytes.byteCount
        countSent(count, messageCount: isAll ? 1 : 0)
        guard isAll else { return try queueRest(of: frame, behind: count) }
        endpoint.traffic.takenMessageCount &+= 1
        endpoint.traffic.sentMessageCount &+= 1
        return .accepted
    }

    @inline(__always)
    private func writeNow(_ frame: SharedBuffer) throws(SystemError) -> Int? {
        try unsafe frame.bytes.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe stream.send(bytes)
        }
    }

    /// Queues the bytes that were not written. After an error none of them will be, and the message counts as unsent.
    private func queueRest(
        of frame: SharedBuffer, behind count: Int, after error: SystemError? = nil
    ) throws(PipeError) -> SendVerdict {
        // A frame that was written in part can no longer be refused.
        if count == 0 {
            let isAdmitted = try frame.withBytes { bytes throws(PipeError) in
                try admit(bytes, from: .frame(frame)) != nil
            }
            guard isAdmitted else { return .dropped }
        }
        let queue = queue ?? borrowQueue()
        countTaken(queue)
        append(frame, to: queue)
        do throws(SystemError) {
            if let error { throw error }
            // The peer may have read since, so that there is room for it now.
            if count == 0, isUnpaid(queue) { flush() } else { try didWrite(count, of: queue) }
        } catch {
            outputDidFail(error)
        }
        return didQueue(displacing: 0)
    }
}
