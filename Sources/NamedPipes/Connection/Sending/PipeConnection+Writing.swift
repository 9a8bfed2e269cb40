// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From the queue to the kernel: one write for all messages of a burst. Bytes that the kernel does not take wait for
// writability.

extension PipeConnection {
    /// Writes the queue, once. Either the kernel takes all of it, or the connection waits for writability.
    func flush() {
        guard let queue, !interest.awaitsWritability, lifecycle.canWrite else { return }
        noteActivity()
        write(queue)
    }

    /// The write of ``flush()``. The caller has checked that the connection may write.
    func write(_ queue: SendQueueSlot) {
        do {
            guard queue.value.isContiguous else { return try writeGathered(queue) }
            let taken = try unsafe queue.value.bytes.withUnsafeBytes { bytes throws(SystemError) in
                try unsafe stream.send(bytes)
            }
            countWrite(taken ?? 0, of: queue)
            try kernelDidTake(taken ?? 0, of: queue)
        } catch {
            outputDidFail(error)
        }
    }

    private func writeGathered(_ queue: SendQueueSlot) throws(SystemError) {
        if queue.value.segments.descriptorFrameCount > 0 { return try writeWithDescriptors(queue) }
        let taken = try stream.send { queue.value.gather(into: &$0) }
        countWrite(taken ?? 0, of: queue)
        try kernelDidTake(taken ?? 0, of: queue)
    }

    /// The same on the fast path, whose stream is known to be direct. A separate function, so that it is inlined there:
    /// 30 instructions less.
    @inline(__always)
    func writeDirectly(_ queue: SendQueueSlot) {
        guard queue.value.isContiguous else { return write(queue) }
        do {
            let taken = try unsafe queue.value.bytes.withUnsafeBytes { bytes throws(SystemError) in
                try unsafe stream.sendDirectly(bytes)
            }
            try kernelDidTake(taken ?? 0, of: queue)
        } catch {
            outputDidFail(error)
        }
    }

    @inline(__always)
    func kernelDidTake(_ count: Int, of queue: SendQueueSlot) throws(SystemError) {
        endpoint.traffic.sentByteCount &+= count
        guard count == queue.value.byteCount else { return try didWrite(count, of: queue) }
        endpoint.traffic.sentMessageCount &+= queue.value.messageCount
        recycleQueue()
        if flow.dependsOnQueue { queueIsWritten() }
    }

    /// Counts a write in the connection's own statistics, before the queue changes.
    func countWrite(_ count: Int, of queue: SendQueueSlot) {
        // The messages of a partial write are counted once its end is known.
        countSent(count, messageCount: count == queue.value.byteCount ? queue.value.messageCount : 0)
    }

    /// The kernel took less than it was given.
    @inline(never)
    func didWrite(_ count: Int, of queue: SendQueueSlot) throws(SystemError) {
        noteWritten(count, of: queue)
        try awaitWritability(queue)
    }

    /// Removes what the kernel took, which was not all, from the queue.
    func noteWritten(_ count: Int, of queue: SendQueueSlot) {
        let messageCount = queue.value.messageCount
        queue.value.didWrite(count, codec.framing)
        let sentCount = messageCount &- queue.value.messageCount
        endpoint.traffic.sentMessageCount &+= sentCount
        countSent(0, messageCount: sentCount)
        if flow.isAboveHighWaterMark { noteLevel(queue.value.byteCount) }
    }

    private func awaitWritability(_ queue: SendQueueSlot) throws(SystemError) {
        interest.outputDidBlock()
        // The kernel has just taken something, or is asked for the first time.
        queue.value.tookLastTick = endpoint.tick
        if let limit = limits.admission.waitingMessageLimit { displace(downTo: limit, in: queue) }
        queue.value.trim()
        chargeQueue(queue)
        if endpoint.deadlines.watchesQueues { endpoint.watchDeadlines() }
        guard lifecycle.canWrite else { return }
        if endpoint.ledger.isTight { flow.pauseForRoom() }
        interest.watchOutput()
        try stream.awaitRoom(isBehindEnd: lifecycle.hasInputEnded, self, endpoint.reactor)
    }

    private func noteLevel(_ byteCount: Int) {
        if byteCount <= limits.lowWaterMark { return didFallBelowHighWaterMark() }
        guard byteCount <= limits.highWaterMark, flow.resumeBelowHighWaterMark() else { return }
        turn.want()
        schedule()
    }

    /// There is no queue any more: whatever waited for that follows.
    @inline(never)
    func queueIsWritten() {
        if flow.isAboveHighWaterMark { didFallBelowHighWaterMark() }
        guard flow.takePauseForRoom() else { return }
        turn.want()
        schedule()
    }

    /// The queue is down at the low-water mark: tells the delegate, and resumes receiving.
    func didFallBelowHighWaterMark() {
        flow.fall()
        turn.want()
        schedule()
    }

    /// Recycles the queue. Writability is not watched while nothing waits: every read by the peer would be an event.
    @inline(__always)
    func recycleQueue() {
        guard let queue else { return }
        self.queue = nil
        endpoint.buffers.recycle(queue)
        if interest.watchesOutput { stopWatchingOutput() }
    }

    @inline(never)
    private func stopWatchingOutput() {
        if interest.queueIsEmpty(keepsWatching: lifecycle.state == .finished) { stream.unwatchOutput() }
    }
}
